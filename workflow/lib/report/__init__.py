"""What the paper shows: one module per table, figure and text."""
