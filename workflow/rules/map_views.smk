# Pictures of a map, and its page.
# Needs: map.h5, grains.h5, ebsd.h5. Makes: pictures/, map.html.
