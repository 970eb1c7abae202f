"""The share of all orientations that is written alike, against random ones of scipy."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tests.unit.tokens.tiny import TinyTokenizer
from workflow.lib.orientation import to_fundamental_zone
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer

TOKENIZERS = [DigitTokenizer(), DecimalTokenizer()]
SIDE = {"digit": 0.002, "decimal": 0.001}  # of a box
tokenizers = pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda t: t.name)


def rotations(n: int, seed: int = 0) -> torch.Tensor:
    found = Rotation.random(n, rng=np.random.default_rng(seed))
    return torch.from_numpy(found.as_quat(scalar_first=True))


def in_zone(n: int, seed: int = 0) -> torch.Tensor:
    return to_fundamental_zone(rotations(n, seed))


def coarse(count: int) -> TinyTokenizer:
    return TinyTokenizer([f"{i:02d}" for i in range(count)], separator="")


def test_shares_are_the_frequencies_of_random_orientations():
    """Numbers 0.1 wide. Frequencies in the whole of S³, of which the zone is a 48th."""
    tokenizer, n = coarse(20), 200_000
    q = rotations(n)
    rows, index, counts = torch.unique(
        ((q + 1) * 10).floor(), dim=0, return_inverse=True, return_counts=True
    )
    example = torch.zeros(len(rows), dtype=torch.int64).scatter_(0, index, torch.arange(n))
    of_rows = q[example]
    largest = of_rows.abs().argmax(1, keepdim=True)
    upright = (of_rows.gather(1, largest).abs() > 0.8)[:, 0]  # as all in the zone are
    share = tokenizer.log_uniform(of_rows[upright]).exp() / 48
    expected, found = share * n, counts[upright]
    often = expected > 10
    assert often.sum() > 500
    residual = ((found - expected) / expected.sqrt())[often]
    # of a Poisson distribution: variance 1
    assert residual.square().mean().item() == pytest.approx(1, abs=4 * math.sqrt(2 / often.sum()))
    assert abs(residual.mean().item()) < 4 / math.sqrt(often.sum())


@tokenizers
def test_shares_within_one_box_by_random_points(tokenizer):
    """Points (x, y, z) uniform in the box, each with weight 1/w where w is written alike."""
    q = in_zone(30)
    generator = np.random.default_rng(1)
    step = SIDE[tokenizer.name]
    centre = np.round(q.numpy() / step) * step
    points = centre[:, None, 1:] + step * (generator.random((30, 40_000, 3)) - 0.5)
    w = np.sqrt(1 - (points**2).sum(-1))
    inside = np.abs(w - centre[:, None, 0]) < step / 2
    weight = np.where(inside, 1 / w, 0)
    expected = weight.mean(1) * step**3 / (np.pi**2 / 24)
    found = tokenizer.log_uniform(q).exp().numpy()
    error = weight.std(1) / np.sqrt(40_000) / weight.mean(1)
    assert (inside.mean(1) > 0.05).sum() > 25
    assert (np.abs(found / expected - 1) < 4 * error + 0.003).all()


def test_the_shares_of_all_sequences_of_the_zone_sum_to_little_more_than_one():
    """More, as its faces cut some boxes; the less the finer these are."""
    q, excess = in_zone(60_000), []
    for count in (16, 40):
        tokenizer = coarse(count)
        rows, alike = ((q + 1) / 2 * count).floor().unique(dim=0, return_inverse=True)
        first = torch.zeros(len(rows), dtype=torch.int64).scatter_(0, alike, torch.arange(len(q)))
        excess.append(tokenizer.log_uniform(q[first]).exp().sum().item() - 1)
        # the mean of 1/share over uniform orientations: a sequence that is cut counts less than 1
        mean = tokenizer.log_uniform(q).neg().exp().mean().item()
        assert 0.6 * len(rows) < mean < len(rows)
    assert 0 < excess[1] < 0.7 * excess[0] < 0.25


@tokenizers
def test_a_sequence_has_the_same_share_whatever_is_written_as_it(tokenizer):
    q = in_zone(500)
    again, valid = tokenizer.decode(tokenizer.encode(q))
    same = (tokenizer.encode(again) == tokenizer.encode(q)).all(1)
    assert same.double().mean() > 0.5
    torch.testing.assert_close(tokenizer.log_uniform(again[same]), tokenizer.log_uniform(q[same]))
    assert valid.all()


@tokenizers
def test_typical_shares_are_a_box_of_quanta(tokenizer):
    """At most a cube of (x, y, z), where w ≥ 0.85 is written alike all over it."""
    side = SIDE[tokenizer.name]
    share = tokenizer.log_uniform(in_zone(5000)).exp()
    assert share.max() < side**3 / 0.85 / (math.pi**2 / 24) * 1.001
    assert share.min() > 0
    assert share.isfinite().all()


@tokenizers
def test_corners_of_the_zone_and_what_is_no_orientation(tokenizer):
    corner = torch.tensor([1, *[math.sqrt(2) - 1] * 2, (math.sqrt(2) - 1) ** 2]).double()
    q = torch.stack((torch.eye(4)[0].double(), corner / corner.norm(), torch.full((4,), torch.nan)))
    found = tokenizer.log_uniform(q)
    assert found.isfinite().tolist() == [True, True, False]
    # around the identity, a cube in (x, y, z), where w is 1
    side = SIDE[tokenizer.name]
    assert found[0].item() == pytest.approx(math.log(side**3 / (math.pi**2 / 24)), abs=1e-3)
    assert len(tokenizer.log_uniform(q[:0])) == 0
