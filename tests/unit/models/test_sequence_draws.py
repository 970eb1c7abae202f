"""What SequenceTask draws, searches and scores, in rolls and turned back; its temperature."""

import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from workflow.lib.models import sequence
from workflow.lib.models.registry import make_task
from workflow.lib.models.sequence import SequenceTask
from workflow.lib.networks import decoding
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    misorientation_deg,
    multiply,
    to_fundamental_zone,
)
from workflow.lib.runtime.files import InputError
from workflow.lib.signals.rolls import AZIMUTHS, roll_azimuth, standardise
from workflow.lib.tokens import TOKENIZERS

N = 5
SIGNALS = torch.randint(0, 256, (N, 6, 72), generator=torch.Generator().manual_seed(0)).byte()
ROLLS = torch.tensor([[0, 3, 71]]).expand(N, -1)
SEEDS = torch.arange(10, 10 + N)

both = pytest.mark.parametrize("tokenizer", TOKENIZERS)
writers = pytest.mark.parametrize("network", ["sequencenet", "attention", "transformer"])


def new_task(tokenizer: str = "digit", network: str = "sequencenet") -> SequenceTask:
    torch.manual_seed(2)
    task = make_task(network, {"tokenizer": tokenizer, "layers": 1, "width": 16})
    task.network.eval().logits.weight.data *= 5
    return task


def rotations(*shape: int, seed: int = 0) -> torch.Tensor:
    q = Rotation.random(math.prod(shape), rng=seed).as_quat(scalar_first=True)
    return torch.from_numpy(q).view(*shape, 4)


def codes_one_by_one(task: SequenceTask) -> torch.Tensor:
    """Codes (n, v, w) of signals that are rolled first, a roll after the other."""
    rolled = [standardise(roll_azimuth(SIGNALS, rolls)) for rolls in ROLLS.unbind(1)]
    codes = [task.network._code(*pair) for pair in zip(rolled, ROLLS.unbind(1), strict=True)]
    return torch.stack(codes, 1).detach()


def turned_about_z(q: torch.Tensor, angle_deg) -> torch.Tensor:
    """By scipy: Rz q of quaternions (..., 4)."""
    turn = Rotation.from_euler("z", angle_deg, degrees=True)
    turned = turn * Rotation.from_quat(q.reshape(-1, 4).numpy(), scalar_first=True)
    return torch.from_numpy(turned.as_quat(scalar_first=True)).view_as(q)


@both
@writers
def test_draws_are_rotations_and_turned_back_by_the_roll(tokenizer, network):
    task = new_task(tokenizer, network)
    draws = task.draw(SIGNALS, ROLLS, 7, SEEDS, 0.9)
    assert draws.orientation.shape == (N, 3, 7, 4)
    assert draws.orientation.dtype == torch.float64
    assert (draws.orientation.norm(dim=-1) - 1).abs().max() < 1e-12
    codes = codes_one_by_one(task)
    for view, roll in enumerate(ROLLS[0].tolist()):
        found = decoding.sample(task.network, codes[:, view], 7, SEEDS * AZIMUTHS + roll, 0.9)
        written, valid = task.tokenizer.decode(found.tokens.flatten(0, 1))
        assert valid.all()
        again = turned_about_z(draws.orientation[:, view], 5 * roll).flatten(0, 1)
        assert misorientation_deg(again, written).max() < 1e-6
        log_p = draws.log_probability[:, view]
        torch.testing.assert_close(log_p, found.log_probability, rtol=0, atol=1e-4)


def test_a_signals_draws_depend_on_its_seed_and_roll_only():
    task = new_task()
    draws = task.draw(SIGNALS, ROLLS, 4, SEEDS)
    alone = task.draw(SIGNALS[2:3], ROLLS[2:3, 1:2], 4, SEEDS[2:3])
    torch.testing.assert_close(alone.orientation[0, 0], draws.orientation[2, 1])
    others = task.draw(SIGNALS, ROLLS, 4, SEEDS + 1)
    assert (others.orientation != draws.orientation).any(-1).all(-1).sum() > N


@both
@writers
def test_the_most_probable_come_first_and_are_scored_alike(tokenizer, network):
    task = new_task(tokenizer, network)
    found = task.most_probable(SIGNALS, ROLLS, 6)
    assert found.orientation.shape == (N, 3, 6, 4)
    assert (found.log_probability.diff(dim=-1) <= 0).all()
    empty = task.most_probable(SIGNALS, ROLLS, 6, cutoff=0.9)
    assert empty.orientation.isnan().all()
    assert (empty.log_probability == -math.inf).all()


def in_zone_of_views(draws) -> tuple[torch.Tensor, torch.Tensor]:
    """Which draws of the first roll are written as the zone has them, (n, m)."""
    q = draws.orientation[:, 0]
    nearest = to_fundamental_zone(q)
    return q, (nearest - q).abs().amax(-1) < 1e-9


@both
@writers
def test_the_probability_of_what_was_drawn_is_that_it_was_drawn_with(tokenizer, network):
    """Also of any symmetry-equivalent: what is asked about is written as training has it."""
    task = new_task(tokenizer, network)
    draws = task.draw(SIGNALS, ROLLS[:, :1], 400, SEEDS)
    asked, in_zone = in_zone_of_views(draws)
    again = task.tokenizer.encode(asked.flatten(0, 1))
    same = misorientation_deg(task.tokenizer.decode(again)[0], asked.flatten(0, 1)) < 1e-9
    comparable = in_zone & same.view(N, -1)
    assert comparable.sum() > 5
    equivalents = multiply(asked, CUBIC_SYMMETRY[17])
    for orientation in (asked, -asked, equivalents):
        log_p = task.log_probability(SIGNALS, ROLLS[:, :1], orientation)[:, 0]
        expected = draws.log_probability[:, 0]
        torch.testing.assert_close(log_p[comparable], expected[comparable], rtol=0, atol=1e-4)


@both
@writers
def test_orientations_are_asked_about_as_the_roll_turns_them(tokenizer, network):
    task = new_task(tokenizer, network)
    orientation = rotations(N, 4)
    orientation[1, 2] = torch.nan
    found = task.log_probability(SIGNALS, ROLLS, orientation, 1.5)
    assert found.shape == (N, 3, 4)
    assert found.isnan().nonzero().tolist() == [[1, view, 2] for view in range(3)]
    codes = codes_one_by_one(task)
    density = task.log_density(SIGNALS, ROLLS, orientation, 1.5)
    for view, roll in enumerate(ROLLS[0].tolist()):
        turned = to_fundamental_zone(turned_about_z(orientation.nan_to_num(0.5), 5 * roll))
        tokens = task.tokenizer.encode(turned.flatten(0, 1)).view(N, 4, -1)
        expected = decoding.score(task.network, codes[:, view], tokens, 1.5)
        share = task.tokenizer.log_uniform(turned.flatten(0, 1)).view(N, 4)
        known = orientation.isfinite().all(-1)
        for own, wanted in ((found, expected), (density, expected - share)):
            torch.testing.assert_close(own[:, view][known], wanted[known], rtol=0, atol=1e-4)


def test_the_mean_density_over_all_orientations_is_what_lies_in_the_zone():
    """Relative to uniform, its mean is 1 but for what is written as other equivalents.

    Not more exactly: sequences that few orientations are written as, which a network that knows
    nothing writes as often as others, are seldom met here, and count much then.
    """
    task = new_task()
    task.network.logits.weight.data /= 50
    rolls, one = ROLLS[:1, :1], SIGNALS[:1]
    density = task.log_density(one, rolls, rotations(1, 20_000)).exp()
    draws = task.draw(one, rolls, 20_000, SEEDS[:1])
    in_zone = in_zone_of_views(draws)[1].double().mean()
    assert density.mean().item() == pytest.approx(in_zone.item(), rel=0.3)


@pytest.mark.parametrize(("true", "found"), [(0.6, 0.6), (1.0, 1.0), (2.5, 2.5), (9.0, 4.0)])
def test_the_temperature_of_what_was_drawn_is_found(true, found, monkeypatch):
    """Labels that the network wrote itself at a known temperature, in a single roll; at most 4."""
    monkeypatch.setattr(sequence, "FITTED_ROLLS", (0,))
    monkeypatch.setattr(sequence, "SIGNALS_AT_ONCE", {"cpu": 300})
    task, n = new_task("decimal"), 1000
    signals = torch.randint(0, 256, (n, 6, 72), generator=torch.Generator().manual_seed(1)).byte()
    rolls = torch.zeros(n, 1, dtype=torch.int64)
    drawn = decoding.sample(task.network, task._codes(signals, rolls), 1, torch.arange(n), true)
    # the number of a signal goes in the place of its label, whose sequence is what was drawn
    labels = torch.arange(n).double()[:, None].expand(-1, 4)
    monkeypatch.setattr(sequence, "_turned", lambda orientation, _: orientation[:, None])
    monkeypatch.setattr(task, "_tokens", lambda turned: drawn.tokens[turned[..., 0].long()][:, 0])
    assert task.fit_temperature(signals, labels) == pytest.approx(found, rel=0.05)


def test_the_temperature_is_where_no_other_is_better():
    """Labels near the identity, of which the network writes the symbols more often than others."""
    task = new_task()
    task.network.logits.bias.data[[0, 5, 9]] += 3
    orientation = torch.tensor([[1.0, 0.02, 0.004, 0.01]]).double().expand(N, -1)
    orientation = orientation / orientation.norm(dim=1, keepdim=True)
    fitted = task.fit_temperature(SIGNALS, orientation)
    rolls = torch.tensor([sequence.FITTED_ROLLS]).expand(N, -1)

    def mean(temperature: float) -> float:
        asked = orientation[:, None]
        return task.log_probability(SIGNALS, rolls, asked, temperature).mean().item()

    assert 0.3 < fitted < 3.5
    assert mean(fitted) > max(mean(fitted * factor) for factor in (0.95, 1.05))


def test_predictions_are_not_touched_and_bad_settings_are_told():
    task = new_task()
    zero = torch.zeros(N, dtype=torch.int64)
    answer, _ = task.predict(SIGNALS, zero)
    tokens = task.network.generate(standardise(SIGNALS), zero)
    torch.testing.assert_close(answer, task.tokenizer.decode(tokens)[0], equal_nan=True)
    with pytest.raises(InputError, match="temperature is 0"):
        task.draw(SIGNALS, ROLLS, 3, SEEDS, 0.0)
    with pytest.raises(InputError, match="count is -1"):
        task.draw(SIGNALS, ROLLS, -1, SEEDS)
    task.network.logits.weight.data.fill_(torch.nan)
    with pytest.raises(InputError, match="logits are NaN"):
        task.log_density(SIGNALS, ROLLS, rotations(N, 1))
    with pytest.raises(InputError, match="logits are NaN"):
        task.fit_temperature(SIGNALS, rotations(N))
