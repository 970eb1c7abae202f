"""Decoders that are asked for what cannot be, or of whom nothing is left."""

import math

import pytest
import torch

from tests.unit.networks.test_decoding import CELLS, OTHERS, N, codes, new_network
from workflow.lib.networks import beam, greedy, sample, score
from workflow.lib.runtime.files import InputError
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer


def test_a_cut_off_so_high_that_nothing_is_left_leaves_all_empty(monkeypatch):
    network = new_network(DecimalTokenizer(), "lstm", "initial_state", monkeypatch)
    found = beam(network, codes(network), 4, cutoff=0.999)
    assert (found.log_probability == -math.inf).all()
    assert (found.tokens == network.tokenizer.pad).all()


def test_no_codes_and_no_sequences_give_nothing(monkeypatch):
    network = new_network(DigitTokenizer(), "gru", "initial_state", monkeypatch)
    none = codes(network)[:0]
    assert greedy(network, none).tokens.shape == (0, 1, 14)
    assert beam(network, none, 3).log_probability.shape == (0, 3)
    assert sample(network, none, 3, torch.arange(0)).tokens.shape == (0, 3, 14)
    assert score(network, none, torch.zeros(0, 2, 14).long()).shape == (0, 2)
    assert score(network, codes(network), torch.zeros(N, 0, 14).long()).shape == (N, 0)


WRONG = {
    "temperature is 0": {"temperature": 0.0},
    "temperature is -1": {"temperature": -1.0},
    "temperature is nan": {"temperature": math.nan},
    "temperature is inf": {"temperature": math.inf},
    "width is 0, expected at least 1": {"width": 0},
    "cutoff is 1.0, expected": {"cutoff": 1.0},
    "cutoff is -0.1": {"cutoff": -0.1},
    "cutoff is nan": {"cutoff": math.nan},
    "nucleus is 1.5, expected": {"nucleus": 1.5},
    "nucleus is 0": {"nucleus": 0.0},
    "nucleus is nan": {"nucleus": math.nan},
}


@pytest.mark.parametrize("line", WRONG)
def test_settings_out_of_range_are_refused_in_a_line(line, monkeypatch):
    network = new_network(DigitTokenizer(), "lstm", "initial_state", monkeypatch)
    with pytest.raises(InputError, match=line) as error:
        beam(network, codes(network), **({"width": 3} | WRONG[line]))
    assert "\n" not in str(error.value)


def test_draws_and_scores_refuse_the_same(monkeypatch):
    network = new_network(DigitTokenizer(), "lstm", "initial_state", monkeypatch)
    seeds, tokens = torch.arange(N), torch.zeros(N, 1, 14).long()
    with pytest.raises(InputError, match="count is 0"):
        sample(network, codes(network), 0, seeds)
    with pytest.raises(InputError, match="temperature is 0"):
        sample(network, codes(network), 1, seeds, 0.0)
    with pytest.raises(InputError, match="temperature is nan"):
        score(network, codes(network), tokens, math.nan)
    with pytest.raises(ValueError, match="one for each of 3 codes"):
        sample(network, codes(network), 1, seeds[:1])


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("cell", [*CELLS, *OTHERS])
def test_broken_weights_are_told(cell, value, monkeypatch):
    network = new_network(DigitTokenizer(), cell, "initial_state", monkeypatch)
    network.logits.bias.data[3] = value
    tokens = network.tokenizer.encode(torch.eye(4)[:1].expand(N, -1))[:, None]
    for decode in (
        lambda: greedy(network, codes(network)),
        lambda: sample(network, codes(network), 2, torch.arange(N)),
        lambda: beam(network, codes(network), 2),
        lambda: score(network, codes(network), tokens),
    ):
        with pytest.raises(InputError, match=r"logits are NaN or infinite.*train it anew") as error:
            decode()
        assert "\n" not in str(error.value)
