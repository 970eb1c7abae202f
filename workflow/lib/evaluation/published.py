"""The published values, which stand beside this run's and are never mixed with them."""

from pathlib import Path

import yaml

from workflow.lib.runtime.files import InputError

Published = dict[str, dict[str, dict[str, float]]]


def read_published(path: Path) -> Published:
    """Misorientations in degrees by origin (paper, released), network and statistic."""
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not {"paper", "released"} <= set(content):
        raise InputError(f"{path} lacks the keys paper and released, each with values by network")
    for origin, networks in content.items():
        for network, statistics in networks.items():
            for statistic, value in statistics.items():
                if not isinstance(value, float):
                    raise InputError(
                        f"{path}: {origin}.{network}.{statistic} is {value!r}, expected a number"
                    )
    return content
