"""Answers with confidence: the same answers as without, and what they are sure of by hand."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.inference.confidence import predict_with_confidence, signals_per_batch
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.registry import make_task
from workflow.lib.models.task import Task
from workflow.lib.networks import decoding
from workflow.lib.networks.written import write_with_probability
from workflow.lib.orientation import misorientation_deg, multiply
from workflow.lib.signals.rolls import AZIMUTHS, FULL_SCALE, standardise
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

SMALL = {"layers": 1, "width": 32}
WRITERS = {
    "sequencenet": ("sequencenet", SMALL),
    "every step": ("sequencenet", SMALL | {"conditioning": "every_step", "cell": "gru"}),
    "decimal": ("sequencenet", SMALL | {"tokenizer": "decimal", "encoder": "equivariant"}),
    "attention": ("attention", SMALL),
    "transformer": ("transformer", SMALL),
}
READ_AS_DIGITS = [name for name in WRITERS if name != "decimal"]
OTHERS = ("eulernet", "tensor", "rotation6d")


@torch.no_grad()
def made(name: str) -> Task:
    """Untrained, but what a writer writes differs from signal to signal."""
    torch.manual_seed(5)
    task = make_task(*WRITERS.get(name, (name, {})))
    task.network.eval()
    if name in WRITERS:
        code, layer = task.network.encoder, task.network.encoder[-1]
        sd, mean = torch.std_mean(code(standardise(signals_of(100))[:, None] / FULL_SCALE), 0)
        layer.bias -= mean
        layer.bias /= sd
        layer.weight /= sd[:, None]
        task.network.logits.weight *= 10
    return task


def read_as_digits(task: Task, monkeypatch) -> None:
    """Let most sequences be answers, whatever symbols they are of."""
    decode = task.tokenizer.decode

    def lenient(tokens: Tensor) -> tuple[Tensor, Tensor]:
        digits = tokens.where(tokens < 10, 5)
        digits[:, 0], digits[:, -1] = task.tokenizer.start, task.tokenizer.end
        answer, _ = decode(digits)
        valid = tokens[:, 1] != 3
        return torch.where(valid[:, None], answer, torch.nan), valid

    monkeypatch.setattr(task.tokenizer, "decode", lenient)


def signals_of(n: int) -> Tensor:
    return torch.from_numpy(simulate_specimen(n, SPECIMENS[0], stream(1, 1, 1))[0])


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", [*READ_AS_DIGITS, *OTHERS])
def test_answers_are_those_without_confidence(name, monkeypatch):
    task, signals = made(name), signals_of(20)
    if name in WRITERS:
        read_as_digits(task, monkeypatch)
    orientation, valid = predict_plain(task, signals)
    assert len(orientation[valid].round(decimals=3).unique(dim=0)) > 3
    same(
        predict_with_confidence(task, signals, 1)[0],
        torch.where(valid[:, None], orientation, torch.nan),
    )
    same(predict_with_confidence(task, signals[:2], AZIMUTHS)[0], predict_tta(task, signals[:2])[0])


@pytest.mark.parametrize("name", list(WRITERS))
def test_probability_is_that_of_the_sequence_written(name):
    network, signals = made(name).network, signals_of(20)
    with torch.inference_mode():
        shown, rolls = standardise(signals), torch.zeros(len(signals), 1, dtype=torch.int64)
        codes = network.codes_of_rolls(shown, rolls)[:, 0]
        tokens, log_probability = write_with_probability(network, codes)
        assert (tokens == network.generate(shown, rolls[:, 0])).all()
        assert len(tokens.unique(dim=0)) > 3
        asked = decoding.score(network, codes, tokens[:, None], constrained=False)[:, 0]
    torch.testing.assert_close(log_probability.double(), asked, rtol=1e-4, atol=1e-4)


def test_a_writer_is_as_sure_as_its_sequence_is_probable():
    """Of logits that are the same at each step: log-probabilities add up."""
    task = made("sequencenet")
    nn.init.zeros_(task.network.logits.weight)
    shares = torch.linspace(0, 2.4, len(task.tokenizer.vocabulary))
    shares[task.tokenizer.end :] = -50  # neither END nor padding: a sequence that is no answer
    task.network.logits.bias.data = shares
    _, log_probability = write_with_probability(task.network, torch.zeros(2, 32))
    expected = (task.tokenizer.length - 1) * shares.log_softmax(0).max()
    torch.testing.assert_close(log_probability, expected.expand(2))
    orientation, confidence = predict_with_confidence(task, signals_of(2), 1)
    assert orientation.isnan().all()
    assert confidence.isnan().all()


@dataclass
class ByRoll:
    """Answers by the roll alone: `orientations` (72, 4), of which some are NaN."""

    orientations: Tensor
    network: nn.Module = field(default_factory=nn.Identity)

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        answer = self.orientations[rolls]
        return answer, answer.isfinite().all(-1)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        return self.predict(signals, torch.arange(AZIMUTHS).expand(len(signals), -1))


@pytest.mark.parametrize("views", [4, 72])
def test_confidence_is_the_share_of_views_near_the_decision(views):
    """Of four views, each the same for 18 rolls: at 0°, 3°, 12°, and none."""
    first, axis = random_quaternions(1, 4)[0], (1.0, 2.0, 3.0)
    turned = [multiply(first, quaternion(axis, deg)) for deg in (0.0, 3.0, 12.0)]
    answers = torch.stack([*turned, torch.full((4,), torch.nan)]).double()
    task = ByRoll(answers.repeat_interleave(18, 0))
    orientation, confidence = predict_with_confidence(task, signals_of(3), views)
    # mean distances: (3 + 12) / 2, (3 + 9) / 2 and (12 + 9) / 2
    assert misorientation_deg(orientation, answers[1]).max() < 1e-6
    assert confidence.tolist() == [0.5, 0.5, 0.5]  # of four views, two: the one and that at 3°


def test_no_view_with_an_answer_has_neither_orientation_nor_confidence():
    task = ByRoll(torch.full((72, 4), torch.nan, dtype=torch.float64))
    for views in (1, 2, 72):
        orientation, confidence = predict_with_confidence(task, signals_of(2), views)
        assert orientation.isnan().all()
        assert confidence.isnan().all()


@pytest.mark.parametrize("name", ["sequencenet", "eulernet"])
def test_few_views_are_those_of_all_rolls(name, monkeypatch):
    task, signals = made(name), signals_of(3)
    if name in WRITERS:
        read_as_digits(task, monkeypatch)
    with torch.inference_mode():
        answers, valid = task.predict_rolls(signals)
        few, _ = predict_with_confidence(task, signals, 6)
    answers = torch.where(valid[..., None], answers, torch.nan)[:, ::12]
    apart = misorientation_deg(few[:, None], answers)
    has_answer = valid[:, ::12].any(1)
    assert has_answer.any()
    assert (few.isfinite().all(-1) == has_answer).all()
    assert (apart.nan_to_num(100).amin(1)[has_answer] < 0.01).all()


def test_views_divide_the_circle():
    with pytest.raises(ValueError, match="views is 5"):
        predict_with_confidence(made("eulernet"), signals_of(1), 5)


def test_batches_are_those_of_plain_and_tta():
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert [signals_per_batch(views, cpu) for views in (1, 4, 72)] == [256, 64, 16]
    assert [signals_per_batch(views, gpu) for views in (1, 72)] == [73_728, 1024]


def test_confidence_of_one_view_is_the_mean_over_the_symbols_written(monkeypatch):
    """`decoding.score` knows the whole sequence's probability; its root is per symbol."""
    task, signals = made("sequencenet"), signals_of(20)
    read_as_digits(task, monkeypatch)
    codes = task.network.codes_of_rolls(standardise(signals), torch.zeros(20, 1, dtype=torch.int64))
    tokens, log_probability = write_with_probability(task.network, codes[:, 0])
    orientation, confidence = predict_with_confidence(task, signals, 1)
    known = orientation.isfinite().all(-1)
    assert known.any()
    written = [len([t for t in row[1:] if t != task.tokenizer.pad]) for row in tokens.tolist()]
    expected = (log_probability.double() / torch.tensor(written)).exp()
    torch.testing.assert_close(confidence[known].double(), expected[known], rtol=1e-5, atol=1e-6)
