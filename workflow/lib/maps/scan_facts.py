"""What is known of a scan before it is mapped: scan.json."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from workflow.lib.maps.map_file import ORIGINS, Raster
from workflow.lib.maps.placed import raster_shape
from workflow.lib.runtime.files import InputError, remade_by, write_text

FORMAT = 1  # of scan.json


@dataclass(frozen=True)
class ScanFacts:
    """A scan that has been checked.

    shape: pixels along the first and second index, (a, b); axes: where these point on the
    specimen, see `maps.placed`. signals_origin: one of `map_file.ORIGINS`. source, array: the file
    of the signals as given, "" for the array of a .npy. sample_sha256: of a sample of the signals,
    see `archive.scan.sample`; tells scans apart, not every change of one. has_ebsd: whether there
    is an EBSD map. warnings: what is unlikely, a clause each.
    """

    name: str
    shape: tuple[int, int]
    axes: tuple[str, str]
    step_um: float
    signals_origin: str
    source: str
    array: str
    sample_sha256: str
    has_ebsd: bool
    warnings: tuple[str, ...]

    @property
    def raster(self) -> Raster:
        """The raster of the scan's maps."""
        ny, nx = raster_shape(self.shape, self.axes)
        return Raster(nx, ny, self.step_um)

    def save(self, path: Path) -> None:
        """Write as JSON, with the raster's `nx` and `ny` beside the fields."""
        content = {"format": FORMAT} | asdict(self)
        content |= {"nx": self.raster.nx, "ny": self.raster.ny}
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    @staticmethod
    def load(path: Path) -> "ScanFacts":
        """Read what `save` wrote. Raises InputError when it is something else."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}")
            found = {field.name: content[field.name] for field in fields(ScanFacts)}
            for name in ("shape", "axes", "warnings"):
                found[name] = tuple(found[name])
            return ScanFacts(**found)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: not a scan.json of format {FORMAT} ({error}); {remade_by(path)}"
            ) from error


def origin(statements: Mapping[str, bool | None]) -> str:
    """Where signals come from, of what each source says: whether they are simulated, or None.

    Raises InputError when two contradict each other, whose names are the keys.
    """
    said = {source: is_simulated for source, is_simulated in statements.items()
            if is_simulated is not None}  # fmt: skip
    simulated = [source for source, is_simulated in said.items() if is_simulated]
    measured = [source for source, is_simulated in said.items() if not is_simulated]
    if simulated and measured:
        raise InputError(
            f"{simulated[0]} says that the signals are simulated, {measured[0]} that they are "
            "measured; expected one of them: correct what is wrong"
        )
    return ORIGINS[2] if not said else ORIGINS[0] if simulated else ORIGINS[1]
