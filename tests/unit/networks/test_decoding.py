"""Decoders against the enumeration of every sequence of a small vocabulary."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from tests.unit.tokens import tiny
from workflow.lib.networks import (
    SequenceNet,
    beam,
    decoding,
    greedy,
    sample,
    score,
    sequencenet,
)
from workflow.lib.networks.attention import AttentionNet
from workflow.lib.networks.transformer import TransformerNet
from workflow.lib.networks.writer import Writer
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer

CELLS = ["lstm", "lstm by hand", "gru", "rnn"]
N = 3  # codes
# What is enumerated: all sequences that are unit quaternions, of two kinds, or all there are
KINDS = {
    "digits": (tiny.digits, tiny.unit_sequences, True),
    "signed": (tiny.signed, tiny.unit_sequences, True),
    "unmasked": (tiny.digits, tiny.all_sequences, False),
}
OTHERS = ["attention", "attention by hand", "transformer"]
WRITERS = [
    *itertools.product(CELLS, ["initial_state", "every_step"]),
    *itertools.product(OTHERS, ["initial_state"]),
]
writers = pytest.mark.parametrize(("cell", "conditioning"), WRITERS)
kinds = pytest.mark.parametrize("kind", KINDS)


def new_network(tokenizer, cell, conditioning, monkeypatch, layers=2) -> Writer:
    """In float64, with logits that differ widely."""
    if "by hand" in cell:
        monkeypatch.setattr(sequencenet, "FEWEST_BY_HAND", 1)
        monkeypatch.setattr(sequencenet, "MOST_LAYERS_BY_HAND", layers)
    torch.manual_seed(3)
    options = {"layers": layers, "width": 8}
    if cell == "transformer":
        network = TransformerNet(tokenizer, heads=2, **options)
    elif cell.startswith("attention"):
        network = AttentionNet(tokenizer, conditioning=conditioning, **options)
    else:
        network = SequenceNet(tokenizer, cell.split()[0], conditioning=conditioning, **options)
    network.logits.weight.data *= 6
    return network.eval().double()


def codes(network: Writer, n: int = N) -> torch.Tensor:
    width = network._code(torch.zeros(1, 6, 72).double(), torch.zeros(1).long()).shape[1]
    return torch.randn(n, width, generator=torch.Generator().manual_seed(1)).double()


def enumerated(network, sequences: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """Log-probabilities (n, N) of sequences (N, length) that are all there are, plainly.

    Each symbol's share among those with which some sequence goes on after the same prefix.
    """
    with torch.inference_mode():
        logits = [network._logits(c.expand(len(sequences), -1), sequences) for c in codes(network)]
    weights = (torch.stack(logits) / temperature).exp()
    rows = sequences.tolist()
    total = torch.zeros(N, len(rows), dtype=torch.float64)
    for position in range(1, sequences.shape[1]):
        following: dict[tuple, set] = {}
        for row in rows:
            following.setdefault(tuple(row[:position]), set()).add(row[position])
        for i, row in enumerate(rows):
            symbols = sorted(following[tuple(row[:position])])
            of_all = weights[:, i, position - 1, symbols].sum(-1)
            total[:, i] += (weights[:, i, position - 1, row[position]] / of_all).log()
    return total


def problem(kind, cell, conditioning, monkeypatch):
    make, enumerate_all, constrained = KINDS[kind]
    tokenizer = make()
    network = new_network(tokenizer, cell, conditioning, monkeypatch)
    return network, enumerate_all(tokenizer), constrained


def by_tokens(found: decoding.Sequences, code: int) -> dict[tuple, float]:
    """Log-probability by sequence, of the places that are not empty."""
    pairs = zip(found.tokens[code].tolist(), found.log_probability[code].tolist(), strict=True)
    return {tuple(tokens): log_p for tokens, log_p in pairs if log_p > -math.inf}


@writers
@kinds
def test_scores_are_those_of_the_enumeration_and_sum_to_one(kind, cell, conditioning, monkeypatch):
    network, sequences, constrained = problem(kind, cell, conditioning, monkeypatch)
    given = sequences.expand(N, -1, -1)
    for temperature in (1.0, 0.6):
        found = score(network, codes(network), given, temperature, constrained)
        expected = enumerated(network, sequences, temperature)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
        torch.testing.assert_close(found.exp().sum(1), torch.ones(N).double())


@writers
@kinds
def test_a_beam_wide_enough_is_the_enumeration(kind, cell, conditioning, monkeypatch):
    """In order; places beyond the number of sequences are empty."""
    network, sequences, constrained = problem(kind, cell, conditioning, monkeypatch)
    expected = enumerated(network, sequences, 0.8)
    width = len(sequences) + 5
    found = beam(network, codes(network), width, temperature=0.8, constrained=constrained)
    assert found.tokens.shape == (N, width, network.tokenizer.length)
    assert (found.log_probability[:, -5:] == -math.inf).all()
    assert (found.tokens[:, -5:] == network.tokenizer.pad).all()
    written = found.log_probability[:, :-5]
    torch.testing.assert_close(written, expected.sort(1, descending=True).values)
    for code in range(N):
        by_hand = dict(zip(map(tuple, sequences.tolist()), expected[code].tolist(), strict=True))
        assert by_tokens(found, code) == pytest.approx(by_hand)


@kinds
@pytest.mark.parametrize("cutoff", [0.005, 0.02, 0.05])
def test_a_cut_off_drops_exactly_what_is_less_probable(kind, cutoff, monkeypatch):
    network, sequences, constrained = problem(kind, "lstm", "initial_state", monkeypatch)
    expected = enumerated(network, sequences)
    found = beam(network, codes(network), len(sequences), cutoff, constrained=constrained)
    for code in range(N):
        kept = expected[code].exp() >= cutoff
        rows = map(tuple, sequences[kept].tolist())
        by_hand = dict(zip(rows, expected[code, kept].tolist(), strict=True))
        assert by_tokens(found, code) == pytest.approx(by_hand)
    assert 0 < (found.log_probability > -math.inf).sum() < N * len(sequences)


@kinds
@pytest.mark.parametrize("nucleus", [0.05, 0.5, 0.9, 0.99])
def test_a_nucleus_is_the_smallest_set_that_reaches_it(kind, nucleus, monkeypatch):
    network, sequences, constrained = problem(kind, "gru", "every_step", monkeypatch)
    expected = enumerated(network, sequences).exp().numpy()
    found = beam(network, codes(network), len(sequences), nucleus=nucleus, constrained=constrained)
    for code in range(N):
        descending = -np.sort(-expected[code])
        size = int(np.searchsorted(descending.cumsum(), nucleus)) + 1
        kept = found.log_probability[code] > -math.inf
        assert kept.tolist() == [i < size for i in range(len(sequences))]
        assert found.log_probability[code].exp().sum() >= nucleus
        assert (found.tokens[code, ~kept] == network.tokenizer.pad).all()


def test_a_nucleus_that_the_beam_does_not_reach_keeps_all(monkeypatch):
    network, *_ = problem("signed", "lstm", "initial_state", monkeypatch)
    found = beam(network, codes(network), 2, nucleus=0.999)
    assert found.log_probability.exp().sum(1).max() < 0.999
    assert found.log_probability.isfinite().all()


@writers
@kinds
def test_draws_are_as_frequent_as_they_are_probable(kind, cell, conditioning, monkeypatch):
    network, sequences, constrained = problem(kind, cell, conditioning, monkeypatch)
    count, temperature = 4000, 1.3
    found = sample(network, codes(network), count, torch.arange(N), temperature, constrained)
    expected = enumerated(network, sequences, temperature)
    places = {tuple(row): i for i, row in enumerate(sequences.tolist())}
    for code in range(N):
        drawn = torch.tensor([places[tuple(row)] for row in found.tokens[code].tolist()])
        torch.testing.assert_close(found.log_probability[code], expected[code, drawn])
        counts = drawn.bincount(minlength=len(sequences)).numpy()
        mean = expected[code].exp().numpy() * count
        cell = np.where(mean >= 5, np.arange(len(mean)), mean.argmin())  # the rare ones together
        observed, wanted = (np.bincount(cell, part) for part in (counts, mean))
        # one of a hundred such comparisons
        assert chisquare(observed[wanted > 0], wanted[wanted > 0]).pvalue > 1e-3 / 100


def bits_of(found: decoding.Sequences) -> list[torch.Tensor]:
    return [found.tokens, found.log_probability]


@pytest.mark.parametrize("decode", ["sample", "beam", "greedy"])
@pytest.mark.parametrize("tokenizer", [DigitTokenizer(), DecimalTokenizer()], ids=lambda t: t.name)
def test_neither_threads_nor_chunks_nor_what_is_beside_make_a_difference(
    decode, tokenizer, monkeypatch
):
    network, n = new_network(tokenizer, "lstm", "initial_state", monkeypatch), 60

    def decoded(rows: slice) -> list[torch.Tensor]:
        work = {
            "sample": lambda c, s: sample(network, c, 5, s),
            "beam": lambda c, s: beam(network, c, 5, cutoff=1e-9),
            "greedy": lambda c, s: greedy(network, c, constrained=True),
        }
        return bits_of(work[decode](codes(network, n)[rows], torch.arange(7, n + 7)[rows]))

    def assert_same(rows: slice) -> None:
        for own, wanted in zip(decoded(rows), expected, strict=True):
            torch.testing.assert_close(own, wanted[rows], rtol=0, atol=1e-12)

    expected, everything = decoded(slice(None)), slice(None)
    assert_same(slice(17, 18))
    assert_same(slice(30, 60))
    monkeypatch.setitem(decoding.ROWS, "cpu", 25)
    assert_same(everything)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert_same(everything)
    finally:
        torch.set_num_threads(threads)


def test_more_draws_begin_with_the_fewer_and_other_seeds_give_others(monkeypatch):
    network = new_network(DigitTokenizer(), "lstm", "initial_state", monkeypatch)
    draw = partial(sample, network, codes(network))
    few, many = draw(4, torch.arange(N)), draw(9, torch.arange(N))
    assert torch.equal(many.tokens[:, :4], few.tokens)
    assert not torch.equal(draw(4, torch.arange(N) + 1).tokens, few.tokens)


@writers
@pytest.mark.parametrize("tokenizer", [DigitTokenizer(), DecimalTokenizer()], ids=lambda t: t.name)
def test_greedy_is_what_the_network_writes(tokenizer, cell, conditioning, monkeypatch):
    network = new_network(tokenizer, cell, conditioning, monkeypatch)
    found = greedy(network, codes(network, 40))
    assert torch.equal(found.tokens[:, 0], network.write(codes(network, 40)))
    log_p = score(network, codes(network, 40), found.tokens, constrained=False)
    torch.testing.assert_close(found.log_probability, log_p)


@writers
@pytest.mark.parametrize("tokenizer", [DigitTokenizer(), DecimalTokenizer()], ids=lambda t: t.name)
def test_with_the_mask_all_are_rotations_and_scored_as_written(
    tokenizer, cell, conditioning, monkeypatch
):
    """A network that knows nothing; a beam of width 1 is greedy, a wider one finds no less."""
    network = new_network(tokenizer, cell, conditioning, monkeypatch)
    decoded = {
        "greedy": greedy(network, codes(network, 20), constrained=True),
        "sample": sample(network, codes(network, 20), 6, torch.arange(20)),
        "beam": beam(network, codes(network, 20), 6),
    }
    for found in decoded.values():
        assert tokenizer.decode(found.tokens.flatten(0, 1))[1].all()
        log_p = score(network, codes(network, 20), found.tokens)
        torch.testing.assert_close(found.log_probability, log_p)
    free = sample(network, codes(network, 20), 6, torch.arange(20), constrained=False)
    assert not tokenizer.decode(free.tokens.flatten(0, 1))[1].all()
    first = beam(network, codes(network, 20), 1)
    assert torch.equal(first.tokens, decoded["greedy"].tokens)
    wide = decoded["beam"].log_probability
    assert (wide.diff(dim=1) <= 0).all()
    assert len(decoded["beam"].tokens[0].unique(dim=0)) == 6


def test_what_cannot_be_written_has_no_probability(monkeypatch):
    network = new_network(DigitTokenizer(), "lstm", "initial_state", monkeypatch)
    tokenizer = network.tokenizer
    tokens = tokenizer.from_strings(["950950500500", "5", "", "999500500500"]).repeat(N, 1, 1)
    found = score(network, codes(network), tokens)
    assert found.isfinite().tolist() == [[False, False, False, True]] * N
    assert (found[:, :3] == -math.inf).all()
    assert score(network, codes(network), tokens, constrained=False).isfinite().all()
    tokens[:, :, 0] = tokenizer.pad  # no start
    tokens[:, 1, 5] = tokenizer.end  # something after the end
    for constrained in (True, False):
        assert (score(network, codes(network), tokens, constrained=constrained) == -math.inf).all()
