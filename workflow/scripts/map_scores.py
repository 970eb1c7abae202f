"""Rule `map_scores`: in, a map of a simulated scan, its grains and the truth; out, its scores."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from workflow.lib.maps.grains import read_labels
from workflow.lib.maps.map_file import open_map
from workflow.lib.maps.map_scores import map_scores
from workflow.lib.maps.truth import read_truth
from workflow.lib.runtime.files import atomic
from workflow.lib.runtime.script import logger, run

WHAT = ("scan", "network", "fold", "seed", "views")  # of the map's header


def main(orientation_map: Path, grains: Path, truth: Path, output: Path) -> None:
    """Write one row: which map it is, and its scores as `maps.map_scores` names them."""
    with open_map(orientation_map) as one:
        scores = map_scores(one, read_labels(grains), read_truth(truth))
        header = one.header
    row = {key: asdict(header)[key] for key in WHAT} | scores | {"simulated": header.is_simulated}
    with atomic(output) as part:
        pd.DataFrame([row]).to_csv(part, index=False, float_format="%.9g")
    logger.info(
        "%s by %s: adjusted Rand index %.3f, misorientation median %.2f°",
        header.scan, header.network, scores["adjusted_rand_index"], scores["median_deg"],
    )  # fmt: skip
    if scores["anomalies"]:
        logger.info(
            "anomalies: area under the curve %.3f, %.0f %% found, false alarms %.2f %%",
            scores["auc_anomalies"], 100 * scores["found_anomalies"], 100 * scores["false_alarms"],
        )  # fmt: skip
    if header.notice:
        logger.info("%s", header.notice)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        orientation_map=Path(snakemake.input.orientation_map),
        grains=Path(snakemake.input.grains),
        truth=Path(snakemake.input.truth),
        output=Path(snakemake.output.csv),
    )
