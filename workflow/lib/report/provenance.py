"""Which code, data, settings and machine made a run."""

import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.lib.data.dataset import read_attributes
from workflow.lib.report.style.tabular import escape
from workflow.lib.runtime.files import sha256

PACKAGES = ("snakemake", "numpy", "scipy", "pandas", "h5py", "matplotlib", "seaborn")
SHORT_HASH = 12


def collect(
    code: dict[str, str | bool],
    dataset: Path,
    models: Sequence[Path],
    jobs: Path,
    config: dict[str, Any],
) -> dict[str, Any]:
    """All facts of a run, ready for JSON.

    code: commit and uncommitted_changes, see `workflow.lib.runtime.checkout.code_version`.
    jobs: the table of `workflow.lib.report.jobs` as CSV.
    versions are those of this step's environment, None where it lacks a package; PyTorch's
    is that of the trainings.
    """
    attributes = read_attributes(dataset)
    descriptions = [json.loads(Path(path).read_text()) for path in models]
    return {
        **code,
        "source": str(attributes["source"]),
        "simulated": bool(attributes["simulated"]),
        "data_sha256": str(attributes["sha256"]),
        "dataset_h5_sha256": sha256(dataset),
        "config": config,
        "seeds": config["seeds"],
        "devices": sorted({description["device"] for description in descriptions}),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {"torch": ", ".join(sorted({d["torch"] for d in descriptions}))}
        | {package: _version(package) for package in PACKAGES},
        "seconds_per_rule": seconds_per_rule(jobs),
        "trainings_kept": sum(description["kept"] for description in descriptions),
    }


def seconds_per_rule(jobs: Path) -> dict[str, float]:
    """Wall time of each measured rule in seconds, summed over its jobs."""
    return pd.read_csv(jobs).set_index("rule")["wall_s"].dropna().round(1).to_dict()


def short_commit(commit: str) -> str:
    """The first digits of a commit's hash; a sentence instead of one is kept whole."""
    return commit if " " in commit else commit[:SHORT_HASH]


def to_json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, indent=2, default=list) + "\n"


def provenance_latex(facts: dict[str, Any]) -> str:
    """The main facts as a complete two-column tabular."""
    changed = ", with uncommitted changes" if facts["uncommitted_changes"] else ""
    versions = (f"{name} {version}" for name, version in facts["versions"].items() if version)
    minutes = sum(facts["seconds_per_rule"].values()) / 60
    kept = f", without {facts['trainings_kept']} earlier trainings" * bool(facts["trainings_kept"])
    rows = {
        "Code": f"commit {short_commit(facts['commit'])}{changed}",
        "Data": facts["source"],
        "SHA-256 of the data": f"{facts['data_sha256'][:SHORT_HASH]}\\ldots",
        "Trained on": ", ".join(facts["devices"]),
        "Seeds": ", ".join(str(seed) for seed in facts["seeds"]),
        "Python": f"{facts['python']} on {facts['system']}, {facts['machine']}",
        "Packages": ", ".join(versions),
        "Computing time": f"{minutes:.1f} min in the jobs of Table~\\ref{{tab:jobs}}{kept}",
    }
    body = "".join(f"{name} & {escape(value)} \\\\\n" for name, value in rows.items())
    columns = "@{}lp{0.68\\linewidth}@{}"
    return f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{body}\\bottomrule\n\\end{{tabular}}\n"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
