"""Colours of inverse pole figure maps: which crystal direction lies along a specimen direction.

The colours are those of EDAX's TSL software for the Laue group m-3m, as orix computes them: red
for 001, green for 101, blue for 111, pale in the middle of the triangle. The key is drawn in the
stereographic projection, as that software draws it.
"""

import numpy as np
from matplotlib.axes import Axes
from orix.plot import DirectionColorKeyTSL
from orix.quaternion.symmetry import Oh
from orix.vector import Vector3d
from scipy.spatial.transform import Rotation

from workflow.lib.data.pole_figure import CORNERS, to_standard_triangle

SPECIMEN_DIRECTIONS = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
AT_ONCE = 1 << 16  # orientations: orix takes about 1 kB for each
KEY_CELLS = 240
OUTLINE_STEPS = 60


def tsl_rgb(orientation: np.ndarray, direction: str) -> np.ndarray:
    """Red, green and blue, 0 to 1, (…, 3) of orientations (…, 4); NaN where one is NaN.

    orientation: unit quaternions, scalar first, crystal to specimen. direction: of the specimen,
    "x", "y" or "z"; the colour says which crystal direction g⁻¹ v lies along it.
    """
    flat = orientation.reshape(-1, 4)
    rgb = np.full((len(flat), 3), np.nan)
    known = np.flatnonzero(np.isfinite(flat).all(-1))
    for first in range(0, len(known), AT_ONCE):
        part = known[first : first + AT_ONCE]
        rotation = Rotation.from_quat(flat[part], scalar_first=True)
        rgb[part] = triangle_rgb(rotation.inv().apply(SPECIMEN_DIRECTIONS[direction]))
    return rgb.reshape(*orientation.shape[:-1], 3)


def triangle_rgb(direction: np.ndarray) -> np.ndarray:
    """The colours (n, 3) of crystal directions (n, 3), unit vectors anywhere on the sphere."""
    # folded before orix does it 48 times over
    folded = Vector3d(to_standard_triangle(direction))
    return np.clip(DirectionColorKeyTSL(Oh).direction2color(folded), 0, 1)


def key_image(cells: int = KEY_CELLS) -> tuple[np.ndarray, float, float]:
    """The key as red, green, blue and opacity (k, cells, 4) from the bottom row up.

    Also returned: its width and height in the plane of the stereographic projection.
    """
    width, height = (stereographic(corner)[axis] for corner, axis in _extremes())
    rows = round(cells * height / width)
    x, y = np.meshgrid(
        (np.arange(cells) + 0.5) * width / cells, (np.arange(rows) + 0.5) * height / rows
    )
    squared = x**2 + y**2
    direction = np.stack((2 * x, 2 * y, 1 - squared), -1) / (1 + squared)[..., None]
    image = np.ones((rows, cells, 4))
    image[..., :3] = triangle_rgb(direction.reshape(-1, 3)).reshape(rows, cells, 3)
    image[..., 3] = (y <= x) & (direction[..., 0] <= direction[..., 2])
    return image, width, height


def key_outline() -> np.ndarray:
    """The border of the key in the plane of the projection, closed: (n, 2)."""
    corners = list(CORNERS.values())
    share = np.linspace(0, 1, OUTLINE_STEPS, endpoint=False)[:, None]
    sides = [
        (1 - share) * start + share * end
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    border = np.concatenate([*sides, corners[:1]])
    return stereographic(border / np.linalg.norm(border, axis=1, keepdims=True))


def stereographic(direction: np.ndarray) -> np.ndarray:
    """The projection (…, 2), seen from the pole −z, of unit vectors (…, 3) with z > −1."""
    return direction[..., :2] / (1 + direction[..., 2:])


def draw_key(axes: Axes) -> None:
    """Draw the triangle with its colours, its corners named; the axes lose their frame."""
    image, width, height = key_image()
    picture = axes.imshow(image[..., :3], origin="lower", extent=(0, width, 0, height))
    border = axes.fill(*key_outline().T, fill=False, ec="0.2", lw=0.7)[0]
    picture.set_clip_path(border)
    for name, corner in CORNERS.items():
        x, y = stereographic(corner)
        axes.annotate(
            name, (x, y), xytext=(0, 3 if name == "111" else -3), textcoords="offset points",
            ha="center", va="bottom" if name == "111" else "top", fontsize=7,
        )  # fmt: skip
    axes.set_aspect("equal")
    axes.set_axis_off()


def _extremes() -> tuple[tuple[np.ndarray, int], tuple[np.ndarray, int]]:
    """The corners that reach farthest to the right and up, with their coordinate there."""
    return (CORNERS["101"], 0), (CORNERS["111"], 1)
