# Training sets from scans.
# Needs: scan.json, ebsd.h5. Makes: maps/<scan>/training_set/, registration.json.
