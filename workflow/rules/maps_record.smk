# The paper's maps.
# Needs: maps of the dataset's scans. Makes: record/maps.h5, record/maps.csv.
