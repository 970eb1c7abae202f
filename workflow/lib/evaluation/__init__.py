"""How good answers are: medians, means, intervals, the published values."""
