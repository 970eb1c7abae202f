# Grains of a map, and what is right about them where the truth is known.
# Needs: map.h5. Makes: grains.csv, boundaries.csv, grains.h5, map_scores.csv.
