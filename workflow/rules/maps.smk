# From scans to orientation maps, block by block, and into the formats of other programs.
# Needs: scan.json, release.zip. Makes: maps/<scan>/<mapper>/map.h5, map.ang, map.ctf.
