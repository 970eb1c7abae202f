# Scans as they come from a microscope, and what the rules of their maps share.
# Needs: the config's `maps`. Makes: maps/<scan>/scan.json, signals.npy, ebsd.h5.

SCANS = scans_of(config)
MAPPERS = config["maps"]["networks"] or [COMPARED[-1]]
RELEASE = config["maps"]["release"] or f"{RESULTS}/release.zip"
SCAN = f"{RESULTS}/maps/{{scan}}"
MAP = f"{SCAN}/{{mapper}}"
OF_MAPS = []  # what the target `maps` makes; each of the following files adds to it


wildcard_constraints:
    scan="|".join(map(re.escape, SCANS)) or "(?!)",
    mapper=r"[\w-]+",


def of_scans(pattern, key=None):
    """One file of each scan, and of each of its maps; `key`: of those scans that have it."""
    names = [name for name, scan in SCANS.items() if key is None or scan[key] is not None]
    return sorted(set(expand(pattern, scan=names, mapper=MAPPERS)))


def of_scan(key):
    """What the config has for a job's scan."""
    return lambda wildcards: SCANS[wildcards.scan][key]
