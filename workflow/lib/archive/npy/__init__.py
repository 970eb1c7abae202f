"""Arrays and pickled dicts in .npy files, read without executing anything."""
