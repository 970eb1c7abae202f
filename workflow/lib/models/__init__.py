"""A network with its loss and the way its answer is read: one module per class, a registry."""
