"""The workflow: its library, and a script per rule."""
