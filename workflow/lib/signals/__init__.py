"""Signals as arrays: their rolls over the azimuth and their standardisation."""
