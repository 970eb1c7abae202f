"""SequenceNet: a quaternion, written symbol by symbol (Patala & Patala)."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from workflow.lib.models.task import all_rolls, turn_back
from workflow.lib.networks import SequenceNet
from workflow.lib.signals.rolls import AZIMUTHS, roll_azimuth, standardise
from workflow.lib.tokens import TOKENIZERS, encode_all_rolls


class SequenceTask:
    """Cross-entropy per symbol (Eq. 5); the target is the tokens of all rolls (n, 72, length)."""

    def __init__(self, tokenizer: str = "digit", **architecture: Any) -> None:
        self.tokenizer = TOKENIZERS[tokenizer]()
        self.network = SequenceNet(self.tokenizer, **architecture)
        self._position_weights = self.tokenizer.loss_weights().float()

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return encode_all_rolls(orientation, self.tokenizer) if tokens is None else tokens

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        tokens = _of_rolls(target, rolls)
        # standardised first: the rolls' mean and deviation are the signal's
        logits = self.network.logits_of_rolls(standardise(signals), rolls, tokens[..., :-1]).float()
        wanted = tokens[..., 1:]
        losses = functional.cross_entropy(logits.flatten(0, 2), wanted.flatten(), reduction="none")
        weights = self._weights(wanted)
        return (losses.view_as(wanted) * weights).sum() / weights.sum()

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        return self._weights(_of_rolls(target, rolls)[..., 1:]).sum()

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.network.generate(standardise(roll_azimuth(signals, rolls)), rolls)
        answer, valid = self.tokenizer.decode(tokens)
        return turn_back(answer, rolls), valid

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        codes = self.network.codes_of_rolls(standardise(signals), all_rolls(signals))
        answer, valid = self.tokenizer.decode(self.network.write(codes.flatten(0, 1)))
        answer, valid = answer.view(-1, AZIMUTHS, 4), valid.view(-1, AZIMUTHS)
        return turn_back(answer, all_rolls(signals)), valid

    def _weights(self, wanted: Tensor) -> Tensor:
        """How much each symbol (n, k, t) counts; padding does not."""
        if self._position_weights.device != wanted.device:  # once: a copy stalls a GPU
            self._position_weights = self._position_weights.to(wanted.device)
        return self._position_weights * (wanted != self.tokenizer.pad)


def _of_rolls(target: Tensor, rolls: Tensor) -> Tensor:
    """Of the tokens of all rolls (n, 72, length), those of the rolls (n, k) at hand."""
    return target[torch.arange(len(rolls), device=rolls.device)[:, None], rolls].long()
