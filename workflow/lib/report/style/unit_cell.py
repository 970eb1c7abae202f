"""A cubic crystal as a cube, seen along the specimen normal in parallel projection.

The cube has edges of length 1 along the crystal's axes and stands in the middle of the picture;
specimen x points right, y up, and the normal z at the reader. Nothing depends on which of the 24
equivalent orientations is drawn. Half a turn about the normal exchanges what is in front and what
is behind: the outline stays, and the drawing is that of Necker's cube.
"""

from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from scipy.spatial.transform import Rotation

CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
NORMALS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
EDGES = tuple(
    (i, j) for i, j in combinations(range(8), 2) if np.abs(CORNERS[i] - CORNERS[j]).sum() == 1
)
ON_FACE = CORNERS @ NORMALS.T == 0.5  # whether a corner lies on a face, (8, 6)
EDGE_ON = 1e-6  # a face that leans less than this towards the reader is seen as a line

RING = 1.01  # radius of the ring of azimuths; a corner reaches at most 0.87
REACH = 1.36  # half the width of the picture
LAMP = np.array([-0.45, 0.60, 0.66])  # of the drawing: it tells faces of equal slope apart
DARKEST, BRIGHTEST = 0.55, 0.98  # grey of a face turned from the lamp, and of one that faces it
LINE_WIDTHS = (0.8, 1.9)  # of the farthest and of the nearest visible edge there can be
INK, PALE = to_rgb("0.1"), to_rgb("0.6")


def corners(orientation: np.ndarray) -> np.ndarray:
    """The corners of the cube in specimen coordinates, (8, 3), in the order of CORNERS.

    orientation: a unit quaternion (4,), scalar first, crystal to specimen.
    """
    return Rotation.from_quat(orientation, scalar_first=True).apply(CORNERS)


def visible_faces(orientation: np.ndarray) -> np.ndarray:
    """Which faces are seen along the specimen normal: bool (6,), in the order of NORMALS.

    Between one and three of them; a face seen edge on is not.
    """
    return _normals(orientation)[:, 2] > EDGE_ON


def visible_edges(orientation: np.ndarray) -> np.ndarray:
    """Which edges belong to a visible face: bool (12,), in the order of EDGES."""
    of_faces = ON_FACE[list(EDGES)].all(axis=1)  # the two faces that meet in each edge
    return of_faces[:, visible_faces(orientation)].any(axis=1)


def outline(orientation: np.ndarray, face: int) -> np.ndarray:
    """The corners of a face in the picture, (4, 2), in order around it."""
    return corners(orientation)[ON_FACE[:, face]][[0, 1, 3, 2], :2]


def draw_unit_cell(axes: Axes, orientation: np.ndarray) -> None:
    """Draw the cube: faces by their slope, near edges thick, edges behind them dashed."""
    place, normals = corners(orientation), _normals(orientation)
    lit = normals @ (LAMP / np.linalg.norm(LAMP))
    for face in np.flatnonzero(visible_faces(orientation)):
        grey = DARKEST + (BRIGHTEST - DARKEST) * max(lit[face], 0)
        axes.fill(*outline(orientation, face).T, color=str(grey), lw=0, zorder=1)
    for edge, seen in zip(EDGES, visible_edges(orientation), strict=True):
        ends = place[list(edge)]
        # 0 for the deepest that the middle of an edge can lie, 1 for the nearest
        nearness = 0.5 + ends[:, 2].mean() / np.sqrt(2)
        if seen:
            width = np.interp(nearness, (0, 1), LINE_WIDTHS)
            look = {"lw": width, "color": INK, "solid_capstyle": "round", "zorder": 3}
        else:
            look = {"lw": 0.8, "color": "0.35", "ls": (0, (3, 2.5)), "zorder": 2}
        axes.plot(*ends[:, :2].T, **look)
    axes.set_aspect("equal")
    axes.set_xlim(-REACH, REACH)
    axes.set_ylim(-REACH, REACH)
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[])


def draw_azimuths(axes: Axes, ridges_deg: np.ndarray) -> None:
    """Draw a ring of azimuths around the cube, specimen x as an arrow, and marks on the ring.

    ridges_deg: azimuths of the four {111} normals of the upper hemisphere. They are the diagonals
    through the near corners. Triangles as in `workflow.lib.report.signals`: filled at these
    azimuths, open opposite to them.
    """
    around = np.deg2rad(np.arange(361))
    axes.plot(RING * np.cos(around), RING * np.sin(around), lw=0.6, color=PALE, zorder=0)
    for azimuth_deg in range(0, 360, 30):
        out = _direction(azimuth_deg)
        length = 0.07 if azimuth_deg % 90 == 0 else 0.04
        axes.plot(*np.outer(out, (RING, RING + length)), lw=0.6, color=PALE, zorder=0)
    for azimuth_deg in (90, 180, 270):
        axes.text(
            *(RING + 0.24) * _direction(azimuth_deg), f"{azimuth_deg}°", fontsize=6.5,
            color="0.35", ha="center", va="center",
        )  # fmt: skip
    axes.annotate(
        "", (REACH, 0), (RING, 0), arrowprops={"arrowstyle": "-|>", "lw": 0.9, "color": INK,
        "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8},
    )  # fmt: skip
    axes.text(REACH - 0.08, 0.08, "$x$", fontsize=8, ha="center", va="bottom")
    for turn_deg, filling in ((0, INK), (180, "white")):
        for azimuth_deg in ridges_deg + turn_deg:
            # A regular triangle whose tip points at the middle
            marker = (3, 0, azimuth_deg + 90)
            axes.plot(
                *(RING * _direction(azimuth_deg)), marker=marker, ms=5.5, mfc=filling,
                mec=INK, mew=0.7, zorder=4,
            )  # fmt: skip


def _normals(orientation: np.ndarray) -> np.ndarray:
    return Rotation.from_quat(orientation, scalar_first=True).apply(NORMALS)


def _direction(azimuth_deg: float) -> np.ndarray:
    return np.array([np.cos(np.deg2rad(azimuth_deg)), np.sin(np.deg2rad(azimuth_deg))])
