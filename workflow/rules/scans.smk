# Scans as they come from a microscope, and what the rules of their maps share.
# Needs: the config's `maps`. Makes: maps/<scan>/scan.json, signals.npy, ebsd.h5.

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


rule images:
    input:
        images=images_of("signals"),
        background=images_of("background"),
    output:
        signals=f"{SCAN}/signals.npy",
    log:
        f"{RESULTS}/logs/images/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/images/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        folder=of_scan("signals"),
        background=of_scan("background"),
        library=library_digest("images"),
    script:
        "../scripts/images.py"


rule scan:
    input:
        signals=signals_of,
        ebsd=ebsd_of,
    output:
        facts=f"{SCAN}/scan.json",
    log:
        f"{RESULTS}/logs/scan/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/scan/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        source=of_scan("signals"),
        settings=scan_settings,
        library=library_digest("scan"),
    script:
        "../scripts/scan.py"


rule ebsd:
    input:
        facts=rules.scan.output.facts,
        ebsd=lambda wildcards: SCANS[wildcards.scan]["ebsd"]["file"],
    output:
        ebsd=f"{SCAN}/ebsd.h5",
    log:
        f"{RESULTS}/logs/ebsd/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/ebsd/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        settings=ebsd_settings,
        library=library_digest("ebsd"),
    script:
        "../scripts/ebsd.py"


OF_MAPS += of_scans(rules.scan.output.facts) + of_scans(rules.ebsd.output.ebsd, "ebsd")
