# What the rules of maps share: the scans of the config and the files that depend on them.
# Needs: the config's `maps`. Makes: no file.

from workflow.lib.archive.scan.folder import images_below

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


def signals_of(wildcards):
    """The file of a scan's signals: the one given, or that of a folder of images."""
    given = SCANS[wildcards.scan]["signals"]
    return f"{SCAN}/signals.npy" if Path(given).is_dir() else given


def images_of(key):
    """The images in a scan's folder; what is missing among them is told by the job."""
    return lambda wildcards: [
        str(path)
        for folder in [SCANS[wildcards.scan][key]]
        if folder is not None
        for path in images_below(Path(folder))
    ]


def ebsd_of(wildcards):
    """The file of a scan's EBSD map, if it has one."""
    ebsd = SCANS[wildcards.scan]["ebsd"]
    return [ebsd["file"]] if ebsd else []


def ebsd_settings(wildcards):
    """How its angles are to be read."""
    ebsd = SCANS[wildcards.scan]["ebsd"]
    return {key: ebsd[key] for key in ("array", "angles", "unit", "direction")} if ebsd else None


def scan_settings(wildcards):
    """What of the config says how a scan's files are to be read."""
    scan = SCANS[wildcards.scan]
    settings = {key: scan[key] for key in ("array", "axes", "step_um", "simulated")}
    return settings | {"ebsd": ebsd_settings(wildcards)}
