"""A network with its loss and the way its answer is read."""
