"""Whole scans: orientation maps, grains, anomalies, formats of other programs."""
