"""release.zip: trained models to hand out, and to map scans with."""

from workflow.lib.maps.release.facts import Run, Trained, release_facts
from workflow.lib.maps.release.opened import Chosen, Release, open_release
from workflow.lib.maps.release.packed import pack_release

__all__ = [
    "Chosen",
    "Release",
    "Run",
    "Trained",
    "open_release",
    "pack_release",
    "release_facts",
]
