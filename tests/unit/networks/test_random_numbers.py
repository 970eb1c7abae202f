"""SplitMix64 against its published outputs, and that streams are uniform and independent."""

import pytest
import torch
from scipy.stats import chisquare, kstest

from workflow.lib.networks.random_numbers import streams, uniform

# The first outputs for seed 1234567, as in Vigna's splitmix64.c
PUBLISHED = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]


def test_the_published_outputs():
    found = [uniform(torch.tensor([1234567]), place).item() for place in range(1, 6)]
    assert found == [(output >> 12) / 2**52 for output in PUBLISHED]


@pytest.mark.parametrize("seeds", [torch.arange(300), torch.arange(300) * 2**40 - 2**62])
def test_numbers_of_neighbouring_seeds_are_uniform_and_independent(seeds):
    of_draws = streams(seeds, 20)
    numbers = torch.stack([uniform(of_draws, place) for place in range(1, 11)])
    assert len(numbers.unique()) == numbers.numel()
    assert kstest(numbers.flatten().numpy(), "uniform").pvalue > 0.01
    for pair in (numbers[:2], numbers[:, :, :2].movedim(2, 0), numbers[:, :2].movedim(1, 0)):
        one, other = (part.flatten() for part in pair)
        cells = (one * 4).long() * 4 + (other * 4).long()
        assert chisquare(cells.bincount(minlength=16).numpy()).pvalue > 0.01


def test_more_draws_begin_with_the_fewer_ones():
    seeds = torch.tensor([-1, 0, 2**63 - 1, -(2**63)])
    assert torch.equal(streams(seeds, 9)[:, :4], streams(seeds, 4))
    assert torch.equal(streams(seeds[2:3], 4), streams(seeds, 4)[2:3])
