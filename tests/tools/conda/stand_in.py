"""A stand-in for conda that needs no channel and no network: put `bin/` first on the PATH.

It answers the calls that `snakemake --use-conda` makes. An environment becomes a virtual
environment that holds the packages its file names and what those need in turn, linked from
the packages of the Python that runs this file (the first `python3` on the PATH).

What a run with it shows: the environment files are complete (a rule whose package is not
named fails, as under conda), their pins allow the versions in requirements.txt, and the
workflow hands environments to Snakemake as it should. What it does not show: that
conda-forge has these packages, that its solver finds an environment, that its builds work,
or that the Python version asked for does: the running one is used.
"""

import argparse
import json
import os
import shutil
import sys
import venv
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
VERSION = "24.11.1"  # Snakemake wants 24.7 or newer

# names on conda-forge → names in the Python package index, where they differ
PYTHON_NAMES = {
    "matplotlib-base": "matplotlib",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "seaborn-base": "seaborn",
    "snakemake-minimal": "snakemake",
}
# programs, not Python packages: one of these must be on the PATH already
PROGRAMS = {"tectonic": ("latexmk", "tectonic")}


def read_environment(file: Path) -> dict[str, str]:
    """The packages that an environment file names, each with its version, such as 2.4.*."""
    entries = yaml.safe_load(file.read_text())["dependencies"]
    return dict(entry.partition("=")[::2] for entry in entries)


def python_requirement(package: str, version: str) -> Requirement:
    """A conda package as Python's packaging names and pins it; unpinned if version is empty."""
    name = PYTHON_NAMES.get(package, package)
    return Requirement(f"{name}=={version}" if version else name)


def create(file: Path, prefix: Path) -> None:
    """Make the environment that `file` describes in the new folder `prefix`.

    Ends the process with one line if a package is not installed or a program missing.
    """
    packages = read_environment(file)
    packages.pop("python", None)
    for package in PROGRAMS.keys() & packages.keys():
        if not any(shutil.which(program) for program in PROGRAMS[package]):
            sys.exit(f"conda stand-in: none of {', '.join(PROGRAMS[package])} is on the PATH")
        del packages[package]
    wanted = [python_requirement(*package) for package in packages.items()]
    distributions = with_dependencies(wanted)
    venv.create(prefix, symlinks=True)
    (site_packages,) = prefix.glob("lib/python*/site-packages")
    for distribution in distributions:
        link(distribution, site_packages)


def with_dependencies(wanted: list[Requirement]) -> list[metadata.Distribution]:
    """The installed distributions that meet the requirements, and all that they need."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(wanted)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            sys.exit(f"conda stand-in: {requirement} is not installed for {sys.executable}")
        if not requirement.specifier.contains(distribution.version):
            sys.exit(f"conda stand-in: found {name} {distribution.version}, not {requirement}")
        if name not in found:
            found[name] = distribution
            waiting += [Requirement(text) for text in distribution.requires or ()]
    return list(found.values())


def link(distribution: metadata.Distribution, site_packages: Path) -> None:
    """Give the distribution's files a second name in `site_packages`, or copy them."""
    for file in distribution.files or ():
        if ".." in file.parts:  # programs and manuals, outside of site-packages
            continue
        target = site_packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file.locate(), target)
        except OSError:  # another file system
            shutil.copy2(file.locate(), target)


def main(arguments: list[str]) -> None:
    """Answer one call of `conda`; an unknown one ends with one line."""
    match arguments:
        case ["--version"]:
            print("conda", VERSION)
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": str(HERE), "platform": "linux-64"}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["env", "create", *options]:
            parser = argparse.ArgumentParser(prog="conda env create")
            parser.add_argument("--file", type=Path, required=True)
            parser.add_argument("--prefix", type=Path, required=True)
            parser.add_argument("--quiet", action="store_true")
            parser.add_argument("--no-default-packages", action="store_true")
            given = parser.parse_args(options)
            create(given.file, given.prefix)
        case ["clean", *_]:
            pass  # no archives of packages were downloaded
        case _:  # `create` from a pin file too: Snakemake then takes the environment file
            sys.exit(f"conda stand-in: does not understand: {' '.join(arguments)}")


if __name__ == "__main__":
    main(sys.argv[1:])
