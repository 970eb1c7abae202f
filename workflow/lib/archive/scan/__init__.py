"""Scans as microscopes and their programs leave them: signals, images, EBSD of the same pixels.

A scan's first two indices are (a, b); `axes` of the config say where they point on the specimen,
see `maps.placed`. Whatever is read here is checked, and executes nothing.
"""
