"""Which Euler convention and which roll direction the data themselves speak for.

If rolling a signal by k azimuth steps is turning the specimen by k · 5°, then signals that
agree after a roll belong to orientations that agree after the turn: g_j ≈ Rz(5° k) g_i. So
each signal's nearest neighbour over all rolls is found from the signals alone, and the same
pairs are then judged under each hypothesis of how the stored angles (a, b, c) make g, and of
the sense in which the azimuth counts.

What no data can tell in this way:

- ZYZ from Bunge's ZXZ. ZXZ(a, b, c) = Rz(−90°) ZYZ(a, b, c) Rz(90°): the factor on the left
  commutes with azimuth rolls and is the same for both of a pair, that on the right is a
  symmetry of the cube. The same goes for their inverses.
- A constant azimuth between the lamps and the axes of EBSD, which is such a left factor.
- Rolls of the other sense from a specimen frame of the other handedness (y up in one, down
  in the other). By the same reflection the inverse of ZYZ with one sense equals the reversed
  order Rz(c) Ry(b) Rz(a) with the other.

Simulated signals can be held against the model they came from as well: see
`model_correlation`. For measured ones no model is known.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import fft
from scipy.spatial.transform import Rotation

from workflow.lib.runtime.files import InputError
from workflow.lib.signals.similarity import standardised
from workflow.lib.simulation.reflectance import ideal_signal

AZIMUTHS = 72
CONVENTIONS = ("ZYZ", "ZXZ", "inverse of ZYZ", "inverse of ZXZ", "XYZ")
"""Hypotheses: intrinsic sequences that make g from (a, b, c), or g⁻¹ (specimen to crystal)."""

SENSES = {"+": 1, "−": -1}
EXPECTED = ("ZYZ", "+")  # as `workflow.lib.orientation` has it
COMPARED_SIGNALS = 1500
BEST_SHARE = 0.25  # of the pairs, those judged
SMALLEST_ROLL = 3  # steps from 0° and 180°, where both senses are the same turn
SMALLEST_ROLL_DEG = SMALLEST_ROLL * 360 / AZIMUTHS
TIE_DEG = 0.01
CHANCE_DEG = 42.4  # median misorientation of random cubic orientations
BLOCK = 50  # signals correlated with all others at once: 22 MB with 1500


@dataclass(frozen=True)
class Neighbours:
    """Of each of n signals the other one that is most like it when it is rolled.

    index: that signal, int (n,). roll: azimuth steps, int (n,), 0–71. correlation: of the
    rolled signal with it, (n,), −1 to 1.
    """

    index: np.ndarray
    roll: np.ndarray
    correlation: np.ndarray


def orientations(convention: str, angles_rad: np.ndarray) -> Rotation:
    """Orientations g, crystal to specimen, of stored angles (n, 3) under one of CONVENTIONS."""
    sequence = convention.removeprefix("inverse of ")
    rotation = Rotation.from_euler(sequence, angles_rad)
    return rotation if sequence == convention else rotation.inv()


def rolled_neighbours(signals: np.ndarray) -> Neighbours:
    """The nearest other signal over the rolls that can tell the senses apart.

    signals: (n, 6, 72), n ≥ 2. Rolls within 10° of 0° and of 180° are left out: there both
    senses mean nearly the same turn, and copies of a signal would find nothing else. All
    rolls of a pair are correlated at once through the Fourier transform over the azimuth.
    """
    n = len(signals)
    spectrum = fft.rfft(standardised(signals).reshape(n, -1, AZIMUTHS)).transpose(2, 0, 1)
    spectrum = np.ascontiguousarray(spectrum)  # frequency × signal × elevation
    steps = np.arange(AZIMUTHS)
    rolls = steps[np.abs((steps + 18) % 36 - 18) >= SMALLEST_ROLL]
    best = np.empty(n, np.intp)
    correlation = np.empty(n, np.float32)
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        cross = spectrum[:, rows].conj() @ spectrum.transpose(0, 2, 1)
        table = fft.irfft(cross, AZIMUTHS, axis=0)[rolls]  # roll × row × signal
        table[:, rows - start, rows] = -np.inf
        table = table.transpose(1, 0, 2).reshape(len(rows), -1)
        best[rows] = table.argmax(axis=1)
        correlation[rows] = table.max(axis=1)
    return Neighbours(index=best % n, roll=rolls[best // n], correlation=correlation)


def misorientation_deg(p: Rotation, q: Rotation) -> np.ndarray:
    """Smallest angle between cubic orientations in degrees, (n,), as in `orientation`.

    By scipy, so that describing a dataset needs no torch.
    """
    return np.rad2deg((p.inv() * q).reduce(right=Rotation.create_group("O")).magnitude())


def hypothesis_median_deg(
    angles_rad: np.ndarray, neighbours: Neighbours, convention: str, sense: str
) -> float:
    """Median misorientation, over the best pairs, of one turned and the other in degrees."""
    best = neighbours.correlation >= np.quantile(neighbours.correlation, 1 - BEST_SHARE)
    orientation = orientations(convention, angles_rad)
    turn_rad = SENSES[sense] * 2 * np.pi / AZIMUTHS * neighbours.roll[best]
    turned = Rotation.from_rotvec(np.outer(turn_rad, [0, 0, 1])) * orientation[best]
    return float(np.median(misorientation_deg(turned, orientation[neighbours.index[best]])))


def model_correlation(
    angles_rad: np.ndarray, signals: np.ndarray, convention: str, sense: str
) -> float:
    """Mean correlation of signals (n, 6, 72) with those the simulator has for their labels.

    Only for simulated signals. It knows the frame of the lamps, so that it can tell what
    neighbours can't. A negative sense counts the columns backwards.
    """
    orientation = orientations(convention, angles_rad).as_quat(scalar_first=True)
    expected = standardised(ideal_signal(orientation, dtype=np.float32))
    columns = SENSES[sense] * np.arange(AZIMUTHS) % AZIMUTHS
    return float((expected * standardised(signals[..., columns])).sum(axis=1).mean())


def convention_table(signals: np.ndarray, angles_rad: np.ndarray, simulated: bool) -> pd.DataFrame:
    """A row per hypothesis: convention, sense, signals, median_deg, model (NaN if not simulated).

    signals (n, 6, 72) and their stored angles (n, 3); at most COMPARED_SIGNALS of them are
    drawn and used; `signals` says how many. Raises InputError when there are fewer than two.
    """
    if len(signals) < 2:
        raise InputError(f"the dataset holds {len(signals)} signals, expected at least 2")
    rng = np.random.default_rng(0)  # the same dataset, the same draw
    chosen = np.sort(rng.permutation(len(signals))[:COMPARED_SIGNALS])
    signals, angles_rad = signals[chosen], angles_rad[chosen]
    neighbours = rolled_neighbours(signals)
    rows = [
        {
            "convention": convention,
            "sense": sense,
            "signals": len(signals),
            "median_deg": hypothesis_median_deg(angles_rad, neighbours, convention, sense),
            "model": model_correlation(angles_rad, signals, convention, sense)
            if simulated
            else np.nan,
        }
        for convention in CONVENTIONS
        for sense in SENSES
    ]
    return pd.DataFrame(rows)


def winners(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The hypotheses (convention, sense) whose median is the lowest, or equal to it."""
    lowest = table[table["median_deg"] <= table["median_deg"].min() + TIE_DEG]
    return list(zip(lowest["convention"], lowest["sense"], strict=True))


def expected_wins(table: pd.DataFrame) -> bool:
    """Whether ZYZ with rolls of positive sense is among the winners: a tie counts."""
    return EXPECTED in winners(table)


def best_model(table: pd.DataFrame) -> tuple[str, str]:
    """The hypothesis (convention, sense) that the simulator's signals fit best."""
    row = table.loc[table["model"].idxmax()]
    return row["convention"], row["sense"]
