"""What a release holds and how it says so; a change of this needs another FORMAT.

release.json       the facts, see `facts.release_facts`
README.md          the model card
LICENSE
SHA256SUMS         of all other files, for `sha256sum -c`
signal_space/<fold>.safetensors                    see `maps.signal_space`
<network>/<fold>/<seed>/weights.safetensors        see `models.saved`
<network>/<fold>/<seed>/model.json
"""

import re
from typing import Any

from workflow.lib.signals.rolls import AZIMUTHS, ELEVATIONS
from workflow.lib.simulation.reflectance import AZIMUTH_DEG, ELEVATION_DEG

FORMAT = 1
FACTS, CARD, LICENSE, SUMS = "release.json", "README.md", "LICENSE", "SHA256SUMS"
FIXED = (FACTS, CARD, LICENSE, SUMS)
WEIGHTS, MODEL = "weights.safetensors", "model.json"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)  # of a model, as in the config
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)  # of a fold or a seed
LARGEST_NUMBER = 10**18 - 1

# The dataset has the lamp's elevations by their number alone; their angles are those with which
# the benchmark is simulated. What is asked of a scan is their order, the lowest first.
SIGNAL: dict[str, Any] = {
    "shape": [ELEVATIONS, AZIMUTHS],
    "dtype": "uint8",
    "elevations_deg": ELEVATION_DEG.tolist(),
    "azimuths_deg": AZIMUTH_DEG.tolist(),
}
CONVENTIONS = {
    "orientation": "unit quaternion w x y z, takes crystal to specimen coordinates: "
    "v_specimen = g v_crystal",
    "symmetry": "cubic, m-3m; acts on the right: g and g S are the same orientation",
    "azimuth": "the lamp at azimuth a stands towards (cos a, sin a) of specimen x and y; a signal "
    "rolled by k of its 72 azimuths is that of Rz(5° k) g",
    "signal": "intensities 0 to 255, elevation by azimuth, the lowest elevation first",
}


def model_folder(network: str, fold: int, seed: int) -> str:
    return f"{network}/{fold}/{seed}"


def space_file(fold: int) -> str:
    """The signal space of a fold."""
    return f"signal_space/{fold}.safetensors"


def belongs(name: str) -> bool:
    """Whether a release may hold a file of this name."""
    parts = name.split("/")
    if len(parts) == 1:
        return name in FIXED
    if len(parts) == 2:
        number, dot, suffix = parts[1].partition(".")
        return [parts[0], dot + suffix] == ["signal_space", ".safetensors"] and _is_number(number)
    return (
        len(parts) == 4
        and NAME.fullmatch(parts[0]) is not None
        and _is_number(parts[1])
        and _is_number(parts[2])
        and parts[3] in (WEIGHTS, MODEL)
    )


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
