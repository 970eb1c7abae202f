"""What a writer may write, and how probable it is: greedy, drawn, most probable, given.

The probability of a sequence is the product of those of its symbols, END included and padding
not: P_t of each symbol given the signal and the symbols before it (Eq. 6 of Patala & Patala,
corrected: the original takes the product of what the network puts first). `constrained` leaves out
the symbols after which no unit quaternion can follow (see `tokens.grammar`) and divides by what
remains, so that every sequence is a rotation; else every symbol counts, and a sequence ends by END
or padding, or when it is as long as they get. temperature: P_t is made proportional to
P_t^(1/temperature) at each step.

Letters: n codes, w width, m sequences of a code, v vocabulary. All raise InputError for settings
out of range, and where the network's logits are not finite.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from workflow.lib.networks.random_numbers import streams, uniform
from workflow.lib.networks.writer import Writer
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.threads import share_out
from workflow.lib.tokens.grammar import Prefixes

# Sequences that are written at once: on a CPU what fits its cache, on a GPU what fills it
ROWS = {"cpu": 1024, "cuda": 131_072}


@dataclass(frozen=True)
class Sequences:
    """Tokens (n, m, length), int64, and natural logs of their probabilities (n, m), float64.

    Where there is no sequence, all of its tokens are padding, and the log is −inf.
    """

    tokens: Tensor
    log_probability: Tensor


@torch.inference_mode()
def greedy(network: Writer, codes: Tensor, constrained: bool = False) -> Sequences:
    """Of codes (n, w), the sequence whose every symbol is the most probable one; m = 1."""
    work = partial(_write, network, 1.0, constrained, lambda log_p, _: log_p.argmax(-1), 1)
    return _joined(network, 1, work, 1, codes)


@torch.inference_mode()
def sample(
    network: Writer,
    codes: Tensor,
    count: int,
    seeds: Tensor,
    temperature: float = 1.0,
    constrained: bool = True,
) -> Sequences:
    """`count` sequences of each code, drawn at random, independently.

    seeds (n,), int64: a code's draws follow from its own seed, whatever codes are beside it; more
    draws begin with the fewer ones.
    """
    _check_temperature(temperature)
    _check_count("count", count)
    if seeds.shape != codes.shape[:1]:
        raise ValueError(f"seeds {tuple(seeds.shape)}: expected one for each of {len(codes)} codes")

    def work(codes: Tensor, seeds: Tensor) -> Sequences:
        of_draws = streams(seeds, count).flatten()

        def choose(log_p: Tensor, position: int) -> Tensor:
            cumulated = log_p.exp().cumsum(-1, dtype=torch.float64)
            level = uniform(of_draws, position) * cumulated[:, -1]
            return torch.searchsorted(cumulated, level[:, None], right=True)[:, 0]

        return _write(network, temperature, constrained, choose, count, codes)

    return _joined(network, count, work, count, codes, seeds)


@torch.inference_mode()
def beam(
    network: Writer,
    codes: Tensor,
    width: int,
    cutoff: float = 0.0,
    nucleus: float = 1.0,
    temperature: float = 1.0,
    constrained: bool = True,
) -> Sequences:
    """The most probable sequences that a beam search meets, in this order; m = width.

    cutoff: in [0, 1); what is less probable is dropped, already while it is written. nucleus: in
    (0, 1]; of the sequences found, the fewest most probable ones are kept whose sum reaches it, or
    all, if they don't. Places for which no sequence is left are empty.
    """
    _check_temperature(temperature)
    _check_count("width", width)
    if not 0 <= cutoff < 1:
        raise InputError(f"cutoff is {cutoff}, expected a probability of at least 0, less than 1")
    if not 0 < nucleus <= 1:
        raise InputError(f"nucleus is {nucleus}, expected a probability above 0, at most 1")
    least = math.log(cutoff) if cutoff > 0 else -math.inf
    work = partial(_beam, network, temperature, constrained, width, least, nucleus)
    return _joined(network, width, work, width, codes)


@torch.inference_mode()
def score(
    network: Writer,
    codes: Tensor,
    tokens: Tensor,
    temperature: float = 1.0,
    constrained: bool = True,
) -> Tensor:
    """Natural logs (n, a), float64, of the probabilities of a given sequences (n, a, length).

    Of one that can't be written it is −inf.
    """

    def work(codes: Tensor, tokens: Tensor) -> Tensor:
        logits = logits_along(network, codes, tokens, constrained)
        return score_of(logits, tokens, temperature)

    _check_temperature(temperature)
    if tokens.numel() == 0:
        return codes.new_empty(tokens.shape[:2], dtype=torch.float64)
    return torch.cat(share_out(work, _codes_at_once(codes, tokens.shape[1]), codes, tokens))


@torch.inference_mode()
def logits_along(
    network: Writer, codes: Tensor, tokens: Tensor, constrained: bool = True
) -> Tensor:
    """Logits (n, a, length − 1, v) of what may follow each but the last of tokens (n, a, length).

    −inf for symbols that may not. For `score_of`, at one temperature after the other.
    """
    n, a, _ = tokens.shape
    writer = _Writer(network, codes, constrained, a)
    writer.select(_each(n, a, codes.device))
    logits = [writer.logits(symbols) for symbols in tokens[..., :-1].flatten(0, 1).unbind(1)]
    return torch.stack(logits, 1).unflatten(0, (n, a))


def score_of(logits: Tensor, tokens: Tensor, temperature: float) -> Tensor:
    """As `score` (n, a), from what `logits_along` gave for the tokens (n, a, length)."""
    log_p = _log_probabilities(logits, temperature)
    return log_p.gather(-1, tokens[..., 1:, None])[..., 0].double().sum(-1)


class _Writer:
    """A network with the sequences that it writes: at first one of each of codes (n, w)."""

    def __init__(self, network: Writer, codes: Tensor, constrained: bool, of_each: int) -> None:
        self._network = network
        self._stepper = network.stepper(codes, of_each)
        grammar = network.tokenizer.grammar(constrained, codes.device)
        self._prefixes = Prefixes(grammar, len(codes))

    def logits(self, symbols: Tensor) -> Tensor:
        """Of what may follow (n, v), −inf for what may not, after one more symbol (n,) of each."""
        logits = self._network.logits(self._stepper.advance(symbols))
        if not logits.isfinite().all():
            raise InputError(
                "the network's logits are NaN or infinite, expected numbers: its weights are "
                "broken, or its signals are no numbers: train it anew, or take another seed's"
            )
        self._prefixes.follow(symbols)
        return logits.masked_fill_(~self._prefixes.allowed(), -math.inf)

    def select(self, rows: Tensor) -> None:
        self._stepper.select(rows)
        self._prefixes.select(rows)


def _write(
    network: Writer,
    temperature: float,
    constrained: bool,
    choose: Callable[[Tensor, int], Tensor],
    count: int,
    codes: Tensor,
) -> Sequences:
    """`count` sequences of each code, whose symbols are chosen one after the other.

    choose: from log-probabilities (n · count, v), and the position of the symbol.
    """
    n, tokenizer = len(codes), network.tokenizer
    tokens = _padding(network, n, count, codes.device).flatten(0, 1)
    tokens[:, 0] = tokenizer.start
    total = codes.new_zeros(n * count, dtype=torch.float64)
    writer, rows = _Writer(network, codes, constrained, count), _each(n, count, codes.device)
    logits = writer.logits(tokens[::count, 0])[rows]  # sequences of one code begin as one
    writer.select(rows)
    for position in range(1, tokenizer.length):
        if position > 1:
            logits = writer.logits(tokens[:, position - 1])
        log_p = _log_probabilities(logits, temperature)
        tokens[:, position] = choose(log_p, position)
        total += log_p.gather(1, tokens[:, position, None])[:, 0]
    return Sequences(tokens.unflatten(0, (n, count)), total.unflatten(0, (n, count)))


def _beam(
    network: Writer,
    temperature: float,
    constrained: bool,
    width: int,
    least: float,
    nucleus: float,
    codes: Tensor,
) -> Sequences:
    """See `beam`; least: the log of its cut-off."""
    n, symbols = len(codes), len(network.tokenizer.vocabulary)
    tokens = _padding(network, n, 1, codes.device)
    tokens[:, :, 0] = network.tokenizer.start
    total = codes.new_zeros(n, 1, dtype=torch.float64)
    writer = _Writer(network, codes, constrained, width)
    for position in range(1, network.tokenizer.length):
        log_p = _log_probabilities(writer.logits(tokens[:, :, position - 1].flatten()), temperature)
        total = (total[:, :, None] + log_p.view(n, -1, symbols)).flatten(1)
        total = total.masked_fill_(total < least, -math.inf)
        total, place = total.topk(min(width, total.shape[1]))
        # as many as are left of the code of which most are
        kept = max(1, int((total > -math.inf).sum(1).max()))
        total, place = total[:, :kept], place[:, :kept]
        rows = (_each(n, 1, codes.device)[:, None] * tokens.shape[1] + place // symbols).flatten()
        tokens = tokens.flatten(0, 1).index_select(0, rows).view(n, kept, -1)
        tokens[:, :, position] = place % symbols
        writer.select(rows)
    return _filled(network, _nucleus(total, nucleus), tokens, width)


def _nucleus(total: Tensor, nucleus: float) -> Tensor:
    """Of log-probabilities (n, m), descending, the first that sum to `nucleus`; −inf elsewhere."""
    if nucleus == 1:  # of which rounding might fall short or not
        return total
    probability = total.exp()
    return total.masked_fill(probability.cumsum(1) - probability >= nucleus, -math.inf)


def _filled(network: Writer, total: Tensor, tokens: Tensor, width: int) -> Sequences:
    """The sequences with empty places up to `width`, and in those that have been dropped."""
    n, m = total.shape
    log_probability = total.new_full((n, width), -math.inf)
    log_probability[:, :m] = total
    filled = _padding(network, n, width, tokens.device)
    filled[:, :m] = torch.where(total[:, :, None] > -math.inf, tokens, network.tokenizer.pad)
    return Sequences(filled, log_probability)


def _log_probabilities(logits: Tensor, temperature: float) -> Tensor:
    """Of logits (..., v), of which some may be −inf; where all are, so are these."""
    # which other numbers can't be, as logits are finite where they are not −inf
    return (logits / temperature).log_softmax(-1).nan_to_num_(nan=-math.inf, neginf=-math.inf)


def _padding(network: Writer, n: int, m: int, device: torch.device) -> Tensor:
    shape = (n, m, network.tokenizer.length)
    return torch.full(shape, network.tokenizer.pad, device=device)


def _each(n: int, count: int, device: torch.device) -> Tensor:
    """Each of n rows `count` times, one after the other."""
    return torch.arange(n, device=device).repeat_interleave(count)


def _codes_at_once(codes: Tensor, count: int) -> int:
    return max(1, ROWS[codes.device.type] // max(1, count))


def _joined(
    network: Writer, m: int, work: Callable[..., Sequences], count: int, *tensors: Tensor
) -> Sequences:
    """What `work` makes of codes and what else has a row for each, so many at a time."""
    codes = tensors[0]
    if len(codes) == 0:
        nothing = _padding(network, 0, m, codes.device)
        return Sequences(nothing, codes.new_empty(0, m, dtype=torch.float64))
    parts = share_out(work, _codes_at_once(codes, count), *tensors)
    tokens = torch.cat([part.tokens for part in parts])
    return Sequences(tokens, torch.cat([part.log_probability for part in parts]))


def _check_temperature(temperature: float) -> None:
    if not 0 < temperature < math.inf:
        raise InputError(f"temperature is {temperature}, expected a number above 0")


def _check_count(name: str, count: int) -> None:
    if count < 1:
        raise InputError(f"{name} is {count}, expected at least 1 sequence")
