"""What the original's table says of the one network against the other."""

from workflow.lib.evaluation.published import Published
from workflow.lib.report.numbers import ROLES


def published_reductions(published: Published) -> dict[str, float]:
    """By how many per cent the median is lower, `plain`, and `tta` with TTA on one side only."""
    baseline, other = (published["paper"][role] for role in ROLES)
    return {
        name: 100 * (1 - other[statistic] / baseline["median_deg"])
        for name, statistic in (("plain", "median_deg"), ("tta", "tta_median_deg"))
    }
