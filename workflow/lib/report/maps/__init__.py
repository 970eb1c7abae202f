"""Pictures of an orientation map, and its page for a browser."""
