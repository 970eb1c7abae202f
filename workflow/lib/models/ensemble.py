"""An ensemble: trained models of one class, whose answers vote."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from workflow.lib.models.task import Draws, Task
from workflow.lib.orientation import medoid


class EnsembleTask:
    """The medoid of its members' answers; it learns nothing itself.

    of: what the members are: `network`, the class, its `architecture`, and how many `members`
    there are. Of none of these it has no members, and can't answer.
    """

    def __init__(self, of: Mapping[str, Any] | None = None) -> None:
        self.members = _built(**of) if of else []
        self.network = nn.ModuleList(member.network for member in self.members)

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return orientation

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        """The medoid of the members' valid answers; none is valid where no member's is."""
        answers, valid = self._asked(lambda member: member.predict(signals, rolls))
        return medoid(torch.stack(answers, 1), torch.stack(valid, 1)), torch.stack(valid).any(0)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        """All answers of all members, (n, members · 72, 4), who then vote as equals."""
        answers, valid = self._asked(lambda member: member.predict_rolls(signals))
        return torch.cat(answers, 1), torch.cat(valid, 1)

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        """`count` shared out evenly among the members: as many of each, at least one.

        Without probabilities, because what one member finds improbable another may draw. Each has
        random numbers of its own.
        """
        each = max(1, count // max(1, len(self.members)))
        drawn = [
            member.draw(signals, rolls, each, seeds + place, temperature).orientation
            for place, member in enumerate(self.members)
        ]
        return Draws(torch.cat(drawn, 2))

    def _asked(self, question: Any) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        answers, valid = zip(*map(question, self.members), strict=True)
        return answers, valid


def _built(network: str, architecture: Mapping[str, Any], members: int) -> list[Task]:
    # Here, because the registry needs this module for its entry.
    from workflow.lib.models.registry import make_task

    return [make_task(network, dict(architecture)) for _ in range(members)]
