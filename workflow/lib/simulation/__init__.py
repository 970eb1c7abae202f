"""The forward model, and an archive made by it."""
