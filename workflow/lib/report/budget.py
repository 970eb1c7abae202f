"""How much each of two trainings was given: epochs, signals, arithmetic, time."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workflow.lib.report.style.tabular import escape, three_digits


def budget_sentence(descriptions: Mapping[str, list[dict[str, Any]]]) -> str:
    """Whether both models were trained on equal budgets, as a sentence.

    descriptions: model.json of each seed, by the title of the model, the baseline first.
    """
    baseline, other = (escape(title) for title in descriptions)
    first = [of_seeds[0] for of_seeds in descriptions.values()]
    train_s = [np.mean([d["train_s"] for d in of_seeds]) for of_seeds in descriptions.values()]
    epochs = [description["training"].get("epochs") for description in first]
    seen = [description["signals_seen"] for description in first]
    if None in epochs:
        budget = "The budgets can't be compared, because not both are trained in epochs"
    elif epochs[0] == epochs[1] and seen[0] == seen[1]:
        budget = (
            f"Both networks had the same budget of {epochs[0]} epochs and "
            f"{thousands(seen[0])} signals"
        )
    else:
        budget = (
            f"The budgets differ: {baseline} had {epochs[0]} epochs and saw {thousands(seen[0])} "
            f"signals, {other} had {epochs[1]} and saw {thousands(seen[1])}"
        )
    if None not in epochs:
        mine, its = (three_digits(description["tflop"]) for description in first)
        budget += f"; in arithmetic, that is {mine} TFLOP for {baseline} and {its} for {other}"
    ratio = train_s[1] / train_s[0]
    return f"{budget}; training {other} took {ratio:.2f} times as long as training {baseline}."


def thousands(number: int) -> str:
    """A number of signals in words: 9999, 12 thousand, 1.03 million."""
    if number < 10_000:
        return str(number)
    return f"{number / 1e6:.2f} million" if number >= 1e6 else f"{number / 1e3:.0f} thousand"
