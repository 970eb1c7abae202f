"""A record with numbers made up for tests; by name, as the rules of the evidence write it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

MODELS = {  # title, kind, base, median with TTA, median on validation signals
    "base": ("EulerNet", "regression", "", 3.0, 3.1),
    "write": ("SequenceNet", "writer", "", 2.0, 2.1),
    "euler_deep": ("Euler angles, deep", "regression", "", 2.8, 2.9),
    "lucky": ("Lucky on test signals", "regression", "", 1.0, 2.6),
    "smooth": ("Smooth & even", "density", "", 1.8, 1.9),
    "other": ("GRU", "writer", "", 2.05, 2.2),
    "near": ("Nearest neighbour", "neighbour", "", 6.0, None),
    "base_half": ("EulerNet, half", "regression", "base", 3.6, 3.7),
    "write_half": ("SequenceNet, half", "writer", "write", 2.4, 2.5),
}
COMPARED = ("base", "write")
HALF_WIDTH = 0.1


def write_record(folder: Path, names: Sequence[str] = tuple(MODELS)) -> list[Path]:
    """Tables of the models named, and provenance.json; returns the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    models = {name: MODELS[name] for name in names}
    main = {name: values for name, values in models.items() if not values[2]}
    tables = {
        "models.csv": [
            {"network": name, "title": title, "kind": kind, "base": base, "parameters": 9,
             "tflop": None if kind == "neighbour" else 5.0 if base else 10.0,
             "validation_median_deg": validation, "seeds": 3, "folds": 1}
            for name, (title, kind, base, _, validation) in models.items()
        ],
        "controls.csv": [
            {"network": name, "title": values[0], "kind": values[1], "statistic": statistic}
            | around(values[3] * factor)
            for name, values in main.items()
            for statistic, factor in (("median_deg", 1.5), ("tta_median_deg", 1.0))
        ],
        "differences.csv": [
            {"network": name, "reference": other, "statistic": statistic}
            | around((values[3] - main[other][3]) * factor)
            | around(100 * (1 - values[3] / main[other][3]), "percent")
            | {"p_holm": 0.5 if abs(values[3] - main[other][3]) < HALF_WIDTH else 0.0001}
            for name, values in main.items()
            for other in COMPARED
            if other != name and other in main
            for statistic, factor in (
                ("median_deg", 1.5), ("tta_median_deg", 1.0), ("mean_deg", 2.5),
                ("tta_mean_deg", 2.0),
            )
        ],
        "arithmetic.csv": [
            {"base": base or name, "network": name, "tflop": 5.0 if base else 10.0,
             "statistic": "tta_median_deg"} | around(median)
            for name, (_, _, base, median, _) in models.items()
            if (base or name) in COMPARED
        ],
    }  # fmt: skip
    paths = []
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(folder / name, index=False)
        paths.append(folder / name)
    (folder / "provenance.json").write_text(
        json.dumps(
            {
                "run": "evidence", "commit": "abc", "date": "2026-01-02", "simulated": True,
                "source": "simulated benchmark", "n": 50, "fold": 1, "compared": COMPARED,
            }
        )
    )  # fmt: skip
    return paths


def around(value: float, name: str = "value") -> dict[str, float]:
    """A value with an interval of twice HALF_WIDTH; of a percentage the ends have its name."""
    low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    return {name: value, low: value - HALF_WIDTH, high: value + HALF_WIDTH}
