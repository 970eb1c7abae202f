# From scans to orientation maps, block by block.
# Needs: scan.json, release.zip. Makes: maps/<scan>/<mapper>/map.h5.
