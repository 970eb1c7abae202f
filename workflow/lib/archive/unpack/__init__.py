"""Zips and tars, unpacked without trusting them."""
