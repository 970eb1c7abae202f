"""Risk and coverage: errors of the signals that remain when the least certain are left out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from workflow.lib.evaluation.answers import Several
from workflow.lib.evaluation.decisions import POSTERIOR
from workflow.lib.evaluation.risk import SHARES, Curve, best_curve, risk_coverage
from workflow.lib.report.several import KIND_TITLES
from workflow.lib.report.style.figures import finish, styled

DRAWN = ("one_view", "mixture")
STYLES = ("--", "-")  # of the two models, told apart without colour
FIRST = 4  # curves begin at 5 % of the signals: means of fewer say little
DECISION = "least_expected"


def plot_risk_coverage(
    several: Several, titles: Mapping[str, str], style: Path, paths: Sequence[Path]
) -> None:
    """Mean and median misorientation against the share of signals kept, by two models.

    Thick: kept by the probability of the heaviest candidate. Thin: the best order there is, by the
    true errors. Of the exact posterior as well, where it is known. titles: of the two by name.
    """
    with styled(style):
        figure = Figure(figsize=(6.6, 4.8), layout="constrained")
        panels = figure.subplots(2, len(DRAWN), sharex=True, sharey="row")
        for (above, below), kind in zip(panels.T, DRAWN, strict=True):
            for label, curve, look in _curves(several, titles, kind):
                for axes, values in ((above, curve.mean_deg), (below, curve.median_deg)):
                    axes.plot(100 * SHARES[FIRST:], values[FIRST:], label=label, **look)
            above.set_title(KIND_TITLES[kind])
            below.set_xlabel("signals kept / %")
        for axes, name in zip(panels[:, 0], ("mean", "median"), strict=True):
            axes.set_ylabel(f"{name} misorientation / °")
            axes.set_ylim(bottom=0)
        panels[0, 0].set_xlim(0, 100)
        lines = panels[0, 0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside lower center", ncols=3)
        finish(figure, several.simulated, paths)


def _curves(
    several: Several, titles: Mapping[str, str], kind: str
) -> Iterator[tuple[str, Curve, dict]]:
    """Label, curve and look of each line of a panel."""
    for place, (name, title) in enumerate(titles.items()):
        answers, look = several.answers[name][kind], {"color": f"C{place}", "ls": STYLES[place]}
        deg = answers.decision_deg[DECISION]
        yield title, risk_coverage(answers.forecast["after"].certainty, deg), look
        yield f"{title}, best order", best_curve(deg), look | {"lw": 0.6}
    if several.posterior is not None:
        deg = several.posterior.decision_deg[DECISION]
        look = {"color": "0.35", "ls": ":"}
        yield POSTERIOR, risk_coverage(several.posterior.forecast.certainty, deg), look
        yield f"{POSTERIOR}, best order", best_curve(deg), look | {"lw": 0.6}
