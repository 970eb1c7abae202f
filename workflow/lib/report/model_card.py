"""The model card of a release: what its models are, how good, for what, and for what not."""

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from workflow.lib.report.style.notice import markdown_notice

WIDTH = 100
KINDS = {"plain": "", "tta": "TTA "}  # in headings

USE = """\
```
make map SCAN=my_scan.npy MODEL=release.zip
```

or, for more than one scan, its step, its axes or EBSD angles, a config file (config/README.md has a
row per key):

```yaml
run: my_maps
maps:
  release: release.zip
  networks: [{network}]
  scans:
    - {{name: my_scan, signals: my_scan.npy, step_um: 5.0, axes: ["+x", "+y"]}}
```

and from Python, inside this workflow's folder:

```python
from workflow.lib.maps.release import open_release

model = open_release("release.zip").choose("{network}")
answers, valid = model.task.predict(signals, rolls)  # uint8 (n, 6, 72), int64 (n,), 0 for unrolled
```

`sha256sum -c SHA256SUMS` in the unpacked folder checks the files; the workflow does so each time it
opens the zip. Weights are safetensors and settings JSON: nothing in a release is executed."""


def model_card(facts: Mapping[str, Any]) -> str:
    """The card as Markdown, from release.json alone (`maps.release.release_facts`).

    Its first line says so when the models learnt from simulated signals.
    """
    default = facts["default"]
    title = next(m["title"] for m in facts["models"] if m["network"] == default["network"])
    simulated = facts["data"]["simulated"]
    parts = [
        f"# {'SIMULATED: networks' if simulated else 'Networks'} of the run {facts['run']}",
        f"{markdown_notice(simulated)}{_origin(facts)}",
        "## Models",
        _models_sentence(facts, title),
        _markdown(_models_shown(facts)),
        "## How good they are",
        _metric_sentence(facts),
        _markdown(_results_shown(facts)),
        *_folds(facts),
        "## Conventions",
        _conventions(facts),
        "## How to use them",
        USE.format(network=default["network"]),
        "## Intended use",
        "Orientation maps of polished and etched surfaces, of the alloy and the etching that the "
        "models learnt from, by directional reflectance microscopy with the lamp positions above; "
        "teaching; comparison with other methods.",
        "## Limits",
        *_limits(facts),
        "## Licence",
        "MIT, see LICENSE: for the models and the code. What was published as data by others has "
        "the licence it was published with. To cite, see CITATION.cff of the workflow.",
    ]
    return "\n\n".join(_filled(part) for part in parts) + "\n"


def _origin(facts: Mapping[str, Any]) -> str:
    data, code = facts["data"], facts["code"]
    commit = (
        f"{code['commit']}{', with uncommitted changes' if code['uncommitted_changes'] else ''}"
    )
    learnt = (
        "They learnt from signals that a program computed, not from any specimen: on measured "
        "signals nobody has tested them, and errors below say nothing about them. "
        if data["simulated"]
        else ""
    )
    return (
        f"{learnt}Data: {data['source']}, SHA-256 {data['sha256']} over its files. Packed by the "
        f"workflow's commit {commit}."
    )


def _models_sentence(facts: Mapping[str, Any], title: str) -> str:
    default = facts["default"]
    folds = {model["fold"] for model in facts["models"]}
    fewest, most = (f(model["n_training"] for model in facts["models"]) for f in (min, max))
    signals = f"{most}" if fewest == most else f"{fewest} to {most}"
    return (
        f"A model of fold k has not seen specimen k; it learnt from {signals} signals of the "
        f"others. There {'is' if len(folds) == 1 else 'are'} {len(folds)} "
        f"fold{'s' * (len(folds) > 1)}. Where nobody chooses, {title} "
        f"(`{default['network']}`), fold {default['fold']}, seed {default['seed']} maps."
    )


def _models_shown(facts: Mapping[str, Any]) -> pd.DataFrame:
    rows: dict[str, dict[str, Any]] = {}
    for model in facts["models"]:
        row = rows.setdefault(
            model["network"],
            {
                "network": f"`{model['network']}`",
                "title": model["title"],
                "class": model["class"],
                "architecture": _settings(model["architecture"]),
                "folds": [],
                "seeds": [],
            },
        )
        row["folds"].append(model["fold"])
        row["seeds"].append(model["seed"])
    for row in rows.values():
        row |= {key: _ranges(row[key]) for key in ("folds", "seeds")}
    return pd.DataFrame(rows.values())


def _metric_sentence(facts: Mapping[str, Any]) -> str:
    of = "simulated " if facts["data"]["simulated"] else ""
    return (
        f"Misorientation in degrees, with cubic symmetry, on the {of}evaluation set of specimen "
        f"{facts['default']['fold']}, as in Table 1 of the paper: medians and means over seeds, "
        "with 95 % bootstrap intervals over signals. TTA: the medoid of the answers to all 72 "
        "rolls of a signal. `invalid` answers are no orientations and count as 62.8°, the largest "
        "misorientation there is. release.json has the same of each model by itself."
    )


def _results_shown(facts: Mapping[str, Any]) -> pd.DataFrame:
    rows = []
    for result in facts["results"]:
        row = {"network": result["title"]}
        for kind, heading in KINDS.items():
            found = result["misorientation_deg"][kind]
            for name in ("median", "mean"):
                low, high = found[f"{name}_95"]
                row[f"{heading}{name}"] = f"{found[name]:.2f} [{low:.2f}, {high:.2f}]"
        invalid = result["misorientation_deg"]["plain"]["invalid"]
        rows.append(row | {"n": result["n"], "seeds": len(result["seeds"]), "invalid": invalid})
    return pd.DataFrame(rows)


def _folds(facts: Mapping[str, Any]) -> list[str]:
    """Medians by test specimen, where there are several; means over seeds."""
    models = pd.DataFrame(
        {
            "fold": model["fold"],
            "network": model["title"],
            **{
                f"{heading}median": model["misorientation_deg"][kind]["median"]
                for kind, heading in KINDS.items()
            },
        }
        for model in facts["models"]
    )
    if models["fold"].nunique() == 1:
        return []
    table = models.groupby(["fold", "network"], sort=False).mean().unstack("network").sort_index()
    shown = pd.DataFrame({"test specimen": table.index})
    for network in models["network"].unique():
        for heading in KINDS.values():
            medians = table[(f"{heading}median", network)]
            shown[f"{network}, {heading}median"] = [
                "–" if pd.isna(median) else f"{median:.2f}" for median in medians
            ]
    return ["Medians by test specimen, means over seeds:", _markdown(shown)]


def _conventions(facts: Mapping[str, Any]) -> str:
    signal = facts["signal"]
    elevations = ", ".join(f"{angle:g}" for angle in signal["elevations_deg"])
    first, second, *_, last = signal["azimuths_deg"]
    shape = " × ".join(map(str, signal["shape"]))
    lines = [
        f"signals: {signal['dtype']}, {shape}: elevations {elevations}° by azimuths {first:g}, "
        f"{second:g}, … {last:g}°",
        *(f"{name}: {text}" for name, text in facts["conventions"].items()),
    ]
    return "\n".join(f"- {line}" for line in lines)


def _limits(facts: Mapping[str, Any]) -> list[str]:
    anomaly = facts["anomaly"]
    items = [
        "A network answers any signal, also of a pore, a scratch or another phase. A map's anomaly "
        "score, the distance from the training signals in a subspace of "
        f"{anomaly['components']} dimensions, tells such pixels only as far as they look unlike "
        f"metal; {100 * anomaly['false_alarms']:g} % of the validation signals are above its "
        "threshold.",
        "Errors have a long tail: see how far the means are above the medians. A pixel on a grain "
        "boundary shows a mixture of signals, and the models learnt none: theirs are from the "
        "inside of grains.",
        "Intervals are over the signals of one specimen. They hold no other specimen, microscope, "
        "alloy, heat treatment or etchant.",
        "Not for decisions on which safety depends, and no replacement for EBSD without a "
        "comparison on the same material.",
    ]
    if facts["data"]["simulated"]:
        items.insert(
            0,
            "The simulator's forward model is an assumption (see the paper's appendix): a map of a "
            "measured scan by these models is a test of the software, not a result.",
        )
    return ["\n".join(f"- {item}" for item in items)]


def _settings(architecture: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} ({_settings(value)})" if isinstance(value, Mapping) else f"{key} {value}"
        for key, value in architecture.items()
    )


def _ranges(numbers: list[int]) -> str:
    """1, 2, 3, 5 as "1–3, 5"."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}–{r[-1]}" for r in found)


def _markdown(table: pd.DataFrame) -> str:
    return table.to_markdown(index=False, disable_numparse=True)


def _filled(part: str) -> str:
    """Paragraphs and items within WIDTH; tables, headings and code as they are."""
    if part.startswith(("#", "|")) or "```" in part:
        return part
    if not part.startswith("- "):
        return textwrap.fill(part, WIDTH, break_on_hyphens=False, break_long_words=False)
    return "\n".join(
        textwrap.fill(
            line, WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
        )
        for line in part.splitlines()
    )
