"""Architectures against the published counts and against PyTorch's own building blocks."""

import itertools

import pytest
import torch

from workflow.lib.models.euler import EulerTask
from workflow.lib.models.registry import make_task
from workflow.lib.models.sequence import SequenceTask
from workflow.lib.networks import EulerNet, SequenceNet, count_parameters, sequencenet
from workflow.lib.signals.rolls import roll_azimuth, standardise
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer

SIGNALS = torch.randint(0, 256, (5, 6, 72), generator=torch.Generator().manual_seed(0)).byte()
ROLLS = torch.tensor([0, 1, 17, 36, 71])


def test_eulernet_has_the_published_number_of_parameters():
    assert count_parameters(EulerNet()) == 1_219_523


def test_sequencenet_has_the_released_number_of_parameters():
    """Counted by hand: encoder, roll and token embeddings, four LSTM layers, output."""
    encoder = (9 * 16 + 16) + (9 * 16 * 16 + 16) + (9 * 16 * 32 + 32) + (9 * 32 * 32 + 32)
    encoder += (576 * 128 + 128) + 2 * (128 * 128 + 128)
    lstm = 4 * (4 * 128 * (128 + 128) + 2 * 4 * 128)
    tokens = 13  # ten digits, start, end, padding
    expected = encoder + 72 * 128 + tokens * 128 + lstm + 128 * tokens + tokens
    assert count_parameters(SequenceNet(DigitTokenizer())) == expected


def test_the_published_encoder_keeps_the_names_of_its_weights():
    """Models trained before there was a choice have them, and no `encoder` in model.json."""
    names = {name for name in SequenceTask().network.state_dict() if name.startswith("encoder")}
    layers = (0, 2, 5, 7, 11, 13, 15)
    assert names == {f"encoder.{i}.{part}" for i in layers for part in ("weight", "bias")}


def test_pooling_before_relu_changes_nothing():
    torch.manual_seed(0)
    features = torch.randn(4, 3, 6, 8, requires_grad=True)
    pool, relu = torch.nn.MaxPool2d(2), torch.nn.ReLU()
    ours, usual = relu(pool(features)), pool(relu(features))
    assert torch.equal(ours, usual)
    weights = torch.randn_like(ours)
    (gradient,) = torch.autograd.grad((ours * weights).sum(), features)
    (expected,) = torch.autograd.grad((usual * weights).sum(), features)
    positive = features > 0  # elsewhere ReLU's gradient is zero either way
    assert torch.equal(gradient[positive], expected[positive])
    assert (gradient[~positive] == 0).all()


def test_dense_layers_start_with_variance_scaling():
    torch.manual_seed(0)
    weight = EulerNet().angles[0].weight
    assert weight.var().item() == pytest.approx(0.5 / 1152, rel=0.01)


VARIANTS = list(
    itertools.product(
        ["lstm", "gru", "rnn"],
        ["initial_state", "every_step"],
        [True, False],
        [DigitTokenizer, DecimalTokenizer],
    )
)


@pytest.mark.parametrize(("cell", "conditioning", "embedding", "tokenizer"), VARIANTS)
def test_every_variant_decodes_as_it_is_trained(cell, conditioning, embedding, tokenizer):
    """Greedy decoding step by step agrees with teacher forcing on its own output."""
    torch.manual_seed(0)
    network = SequenceNet(
        tokenizer(), cell, layers=2, width=32, conditioning=conditioning, roll_embedding=embedding
    ).eval()
    signals = SIGNALS.float()
    tokens = network.generate(signals, ROLLS)
    assert tokens.shape == (5, network.tokenizer.length)
    assert (tokens[:, 0] == network.tokenizer.start).all()
    with torch.inference_mode():
        logits = network(signals, ROLLS, tokens[:, :-1])
    best = logits.argmax(-1)
    written = tokens[:, :-1]
    going_on = (written != network.tokenizer.end) & (written != network.tokenizer.pad)
    assert torch.equal(best[going_on], tokens[:, 1:][going_on])
    assert (tokens[:, 1:][~going_on] == network.tokenizer.pad).all()


@pytest.mark.parametrize("conditioning", ["initial_state", "every_step"])
def test_the_lstm_by_hand_computes_what_torch_does(conditioning, monkeypatch):
    """Logits, gradients and sequences; in float64, so that no two symbols tie."""
    torch.manual_seed(0)
    network = SequenceNet(DigitTokenizer(), width=32, dropout=0.0, conditioning=conditioning)
    network.double()
    network.logits.weight.data *= 20  # varied sequences
    signals = 255 * torch.rand(40, 6, 72, dtype=torch.float64)
    rolls = torch.randint(72, (40,))
    tokens = torch.randint(0, 10, (40, 13))
    results = []
    for fewest in (1, 41):
        monkeypatch.setattr(sequencenet, "FEWEST_BY_HAND", fewest)
        logits = network(signals, rolls, tokens)
        gradients = torch.autograd.grad(logits.square().sum(), list(network.parameters()))
        results.append((network.generate(signals, rolls), logits, *gradients))
    by_hand, by_torch = results
    assert torch.equal(by_hand[0], by_torch[0])
    assert len(by_hand[0].unique(dim=0)) > 10
    for own, other in zip(by_hand[1:], by_torch[1:], strict=True):
        torch.testing.assert_close(own, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("conditioning", ["initial_state", "every_step"])
def test_the_signal_reaches_the_decoder(conditioning):
    torch.manual_seed(0)
    network = SequenceNet(DigitTokenizer(), layers=2, width=32, conditioning=conditioning).eval()
    tokens = torch.zeros(5, 3, dtype=torch.int64)
    logits = network(SIGNALS.float(), ROLLS, tokens)
    other = network(SIGNALS.flip(0).float(), ROLLS, tokens)
    assert (logits - other).abs().amax((1, 2))[[0, 1, 3, 4]].min() > 1e-6


def test_the_roll_embedding_is_the_only_thing_that_sees_the_roll():
    torch.manual_seed(0)
    for embedding in (True, False):
        network = SequenceNet(DigitTokenizer(), width=32, roll_embedding=embedding).eval()
        tokens = torch.zeros(5, 3, dtype=torch.int64)
        plain = network(SIGNALS.float(), torch.zeros_like(ROLLS), tokens)
        rolled = network(SIGNALS.float(), ROLLS, tokens)
        assert torch.equal(plain, rolled) != embedding


def test_initial_hidden_and_cell_state_are_the_code():
    network = SequenceNet(DigitTokenizer(), layers=3, width=32)
    code = torch.randn(5, 32)
    hidden, cell = network._initial_state(code)
    assert hidden.shape == (3, 5, 32)
    assert (hidden == code).all()
    assert (cell == code).all()


def test_the_token_loss_is_the_weighted_cross_entropy():
    """Eq. 5 by hand on a network without dropout: weights 2, 1, 1/2 and 1 for the end."""
    torch.manual_seed(0)
    task = SequenceTask("digit", layers=1, width=16, dropout=0.0)
    target = torch.randint(0, 10, (5, 72, 14), dtype=torch.uint8)
    target[..., 0], target[..., -1] = task.tokenizer.start, task.tokenizer.end
    signals = standardise(roll_azimuth(SIGNALS, ROLLS))
    wanted = target[torch.arange(5), ROLLS].long()
    probabilities = task.network(signals, ROLLS, wanted[:, :-1]).log_softmax(-1)
    by_hand = -probabilities.gather(2, wanted[:, 1:, None])[..., 0]
    weights = torch.tensor([2, 1, 0.5] * 4 + [1])
    expected = (by_hand * weights).sum() / (5 * weights.sum())
    torch.testing.assert_close(task.loss(SIGNALS, ROLLS[:, None], target), expected)


@pytest.mark.parametrize("network", ["eulernet", "sequencenet"])
def test_predictions_are_turned_back(network, monkeypatch):
    """A network that answers the identity to a signal rolled by k means Rz(−5°k)."""
    architecture = {"layers": 1, "width": 16} if network == "sequencenet" else {}
    task = make_task(network, architecture)
    identity = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)
    if isinstance(task, EulerTask):
        monkeypatch.setattr(task.network, "forward", lambda signals: torch.zeros(len(signals), 3))
    else:
        tokens = task.tokenizer.encode(identity[None])
        monkeypatch.setattr(task.network, "generate", lambda signals, _: tokens.repeat(5, 1))
    answer, valid = task.predict(SIGNALS, ROLLS)
    assert valid.all()
    angle = torch.rad2deg(2 * torch.atan2(answer[:, 3], answer[:, 0]))
    torch.testing.assert_close(angle, -5.0 * ROLLS.double(), atol=0.3, rtol=0)
