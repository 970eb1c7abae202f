"""SequenceNet: a quaternion, written symbol by symbol (Patala & Patala)."""

import math
from functools import partial
from typing import Any

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional

from workflow.lib.models.task import Draws, all_rolls, turn_back
from workflow.lib.networks import SequenceNet, decoding
from workflow.lib.networks.writer import Writer
from workflow.lib.orientation import azimuth_rotation, multiply, to_fundamental_zone
from workflow.lib.runtime.threads import share_out
from workflow.lib.signals.rolls import AZIMUTHS, roll_azimuth, standardise
from workflow.lib.tokens import TOKENIZERS, encode_all_rolls

TEMPERATURES = (0.25, 4.0)  # between which the fitted one lies
FITTED_ROLLS = (0, 18, 36, 54)  # azimuth steps, in which a temperature is fitted
SIGNALS_AT_ONCE = {"cpu": 256, "cuda": 8192}  # of those that a temperature is fitted to


class SequenceTask:
    """Cross-entropy per symbol (Eq. 5); the target is the tokens of all rolls (n, 72, length)."""

    writer: type[Writer] = SequenceNet

    def __init__(self, tokenizer: str = "digit", **architecture: Any) -> None:
        self.tokenizer = TOKENIZERS[tokenizer]()
        self.network = self.writer(self.tokenizer, **architecture)
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

    @torch.inference_mode()
    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float = 1.0
    ) -> Draws:
        """`count` answers drawn at random to signals (n, 6, 72) in each of their rolls (n, v).

        All are orientations: the network may write nothing else. seeds (n,), int64: draws to a
        signal in a roll follow from its own seed and the roll.
        """
        codes = self._codes(signals, rolls)
        of_rolls = (seeds[:, None] * AZIMUTHS + rolls).flatten()
        return self._read(decoding.sample(self.network, codes, count, of_rolls, temperature), rolls)

    @torch.inference_mode()
    def most_probable(self, signals: Tensor, rolls: Tensor, width: int, **options: float) -> Draws:
        """The `width` most probable answers that a beam search meets, the first one first.

        options: `cutoff`, `nucleus` and `temperature`, see `decoding.beam`. Where it leaves
        places empty, orientations are NaN and logs of probabilities −inf.
        """
        found = decoding.beam(self.network, self._codes(signals, rolls), width, **options)
        return self._read(found, rolls)

    @torch.inference_mode()
    def log_probability(
        self, signals: Tensor, rolls: Tensor, orientation: Tensor, temperature: float = 1.0
    ) -> Tensor:
        """Natural log (n, v, a) of the probability that the network writes orientations (n, a, 4).

        orientation: of the unrolled signals. What would be written is the symmetry-equivalent
        nearest the identity of the turned one, of rotations only, as in `draw`. NaN gives NaN.
        """
        return self._asked(signals, rolls, orientation, temperature)[0]

    @torch.inference_mode()
    def log_density(
        self, signals: Tensor, rolls: Tensor, orientation: Tensor, temperature: float = 1.0
    ) -> Tensor:
        """As `log_probability`, of the density relative to uniform on the fundamental zone.

        The probability of a sequence counts as spread over all orientations that are written so.
        """
        log_p, turned = self._asked(signals, rolls, orientation, temperature)
        share = self.tokenizer.log_uniform(turned.flatten(0, 2)).view(turned.shape[:3])
        return log_p.double() - share

    @torch.inference_mode()
    def fit_temperature(self, signals: Tensor, orientation: Tensor) -> float:
        """The temperature at which the mean log-probability of orientations (n, 4) is greatest.

        Of validation signals (n, 6, 72), each in the same few rolls; between 0.25 and 4.
        """
        along = partial(share_out, self._logits_along, SIGNALS_AT_ONCE[signals.device.type])
        logits, tokens = map(torch.cat, zip(*along(signals, orientation), strict=True))

        def loss(log_temperature: float) -> float:
            score = partial(decoding.score_of, temperature=math.exp(log_temperature))
            parts = share_out(score, SIGNALS_AT_ONCE[signals.device.type], logits, tokens)
            return -float(torch.cat(parts).mean())

        bounds = [math.log(temperature) for temperature in TEMPERATURES]
        return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)

    def _logits_along(self, signals: Tensor, orientation: Tensor) -> tuple[Tensor, Tensor]:
        """Logits along the tokens that should be written of each signal, in `FITTED_ROLLS`."""
        rolls = torch.tensor(FITTED_ROLLS, device=signals.device).expand(len(signals), -1)
        tokens = self._tokens(_turned(orientation[:, None], rolls)).flatten(0, 1)
        codes = self._codes(signals, rolls)
        return decoding.logits_along(self.network, codes, tokens), tokens

    def _asked(
        self, signals: Tensor, rolls: Tensor, orientation: Tensor, temperature: float
    ) -> tuple[Tensor, Tensor]:
        """See `log_probability`; also (n, v, a, 4), the orientations as they would be written."""
        turned = _turned(orientation, rolls)
        tokens = self._tokens(turned).flatten(0, 1)
        log_p = decoding.score(self.network, self._codes(signals, rolls), tokens, temperature)
        log_p = log_p.view(turned.shape[:3])
        return torch.where(turned.isfinite().all(-1), log_p, torch.nan), turned

    def _codes(self, signals: Tensor, rolls: Tensor) -> Tensor:
        """Of each signal in each of its rolls (n, v), one after the other: (n · v, w)."""
        return self.network.codes_of_rolls(standardise(signals), rolls).flatten(0, 1)

    def _tokens(self, orientation: Tensor) -> Tensor:
        """Tokens (..., length) of orientations (..., 4); arbitrary ones where they are NaN."""
        tokens = self.tokenizer.encode(orientation.nan_to_num(0.5).view(-1, 4))
        return tokens.view(*orientation.shape[:-1], -1)

    def _read(self, sequences: decoding.Sequences, rolls: Tensor) -> Draws:
        answer, _ = self.tokenizer.decode(sequences.tokens.flatten(0, 1))
        shape = (*rolls.shape, sequences.tokens.shape[1])
        answer = turn_back(answer.view(*shape, 4), rolls[:, :, None])
        return Draws(answer, sequences.log_probability.view(shape))

    def _weights(self, wanted: Tensor) -> Tensor:
        """How much each symbol (n, k, t) counts; padding does not."""
        if self._position_weights.device != wanted.device:  # once: a copy stalls a GPU
            self._position_weights = self._position_weights.to(wanted.device)
        return self._position_weights * (wanted != self.tokenizer.pad)


def _turned(orientation: Tensor, rolls: Tensor) -> Tensor:
    """What orientations (n, a, 4) are in rolls (n, v), in the fundamental zone: (n, v, a, 4)."""
    turns = azimuth_rotation(rolls).to(orientation)[:, :, None]
    return to_fundamental_zone(multiply(turns, orientation[:, None]))


def _of_rolls(target: Tensor, rolls: Tensor) -> Tensor:
    """Of the tokens of all rolls (n, 72, length), those of the rolls (n, k) at hand."""
    return target[torch.arange(len(rolls), device=rolls.device)[:, None], rolls].long()
