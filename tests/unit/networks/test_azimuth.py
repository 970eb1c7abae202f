"""Features of all rolls at once, against the networks' own layers on one roll after another."""

import pytest
import torch
from torch import Tensor, nn

from workflow.lib.networks import EulerNet, SequenceNet, count_parameters
from workflow.lib.networks.azimuth import circular_features, features_of_rolls, stride_and_edge
from workflow.lib.signals.rolls import AZIMUTHS, roll_azimuth, standardise
from workflow.lib.tokens import DigitTokenizer

GENERATOR = torch.Generator().manual_seed(0)
SIGNALS = torch.randint(0, 256, (3, 6, AZIMUTHS), generator=GENERATOR).byte()
ROLLS = torch.arange(AZIMUTHS)
EVERY = ROLLS.expand(len(SIGNALS), -1)
ENCODERS = ("published", "equivariant")
STACKS = ("eulernet", "eulernet equivariant", *ENCODERS)


def new_sequencenet(encoder: str, **options) -> SequenceNet:
    torch.manual_seed(1)
    return with_biases(SequenceNet(DigitTokenizer(), encoder=encoder, **options)).eval()


def new_stack(name: str) -> nn.Sequential:
    """The layers before nn.Flatten, in float64."""
    torch.manual_seed(1)
    network, _, encoder = name.partition(" ")
    if network == "eulernet":
        layers = EulerNet(encoder or "published").features
    else:
        layers = new_sequencenet(name).encoder
    flatten = [isinstance(layer, nn.Flatten) for layer in layers].index(True)
    return with_biases(layers[:flatten]).double()


def with_biases(network: nn.Module) -> nn.Module:
    """Without biases, zeros would be padding and background at once."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.bias, std=0.1)
    return network


def all_rolls(signals: Tensor) -> tuple[Tensor, Tensor]:
    """Signals (72 n, 6, 72), each in all its rolls, and the rolls."""
    rolls = ROLLS.repeat(len(signals))
    return roll_azimuth(signals.repeat_interleave(AZIMUTHS, 0), rolls), rolls


@pytest.mark.parametrize("precision", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", STACKS)
def test_features_of_rolls_are_those_of_each_rolled_signal(name, precision):
    stack = new_stack(name).to(precision)
    rolled, _ = all_rolls(SIGNALS)
    with torch.inference_mode():
        expected = stack((rolled / 255).to(precision)[:, None]).flatten(1)
        features = features_of_rolls(stack, (SIGNALS / 255).to(precision)[:, None], EVERY)
    assert expected.std() > 0.01
    tolerance = 1e-12 if precision == torch.float64 else 1e-5
    assert features.shape == (3, AZIMUTHS, expected.shape[1])
    torch.testing.assert_close(features.flatten(0, 1), expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("k", [1, 5, 36, 40])
@pytest.mark.parametrize("name", STACKS)
def test_each_signal_may_have_rolls_of_its_own(name, k):
    """Also with one twice, and in no order."""
    stack = new_stack(name)
    rolls = torch.randint(AZIMUTHS, (len(SIGNALS), k), generator=GENERATOR)
    rolls[0, -1] = rolls[0, 0]
    maps = (SIGNALS / 255).double()[:, None]
    features = features_of_rolls(stack, maps, rolls)
    for own, mine, found in zip(maps, rolls, features, strict=True):
        rolled = torch.stack([own.roll(roll, -1) for roll in mine.tolist()])
        torch.testing.assert_close(found, stack(rolled).flatten(1), atol=1e-12, rtol=0)


def test_features_of_rolls_in_bfloat16_are_as_good_as_one_by_one():
    """Also on a signal with other channels and sizes than the networks have."""
    torch.manual_seed(2)
    stack = nn.Sequential(
        nn.Conv2d(3, 4, (3, 5), padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(3),
        nn.Conv2d(4, 8, 3, padding="same"),
    )
    maps = torch.rand(2, 3, 6, 48)
    rolled = torch.stack([maps.roll(k, -1) for k in range(48)], 1).flatten(0, 1)
    with torch.inference_mode():
        expected = stack(rolled).flatten(1)
        with torch.autocast("cpu", torch.bfloat16):
            features = features_of_rolls(stack, maps, torch.arange(48).expand(2, -1))
            one_by_one = stack(rolled).flatten(1)
    assert features.dtype == torch.bfloat16
    error = (features.float().flatten(0, 1) - expected).abs()
    assert error.max() < 2 * (one_by_one.float() - expected).abs().max() < 0.05


@pytest.mark.parametrize("name", STACKS)
def test_rolling_the_signal_rolls_the_circular_features(name):
    stack = new_stack(name)
    maps = torch.rand(2, 1, 6, AZIMUTHS, dtype=torch.float64)
    features = circular_features(stack, maps)
    assert features.shape[2:] == (1, AZIMUTHS)
    for k in range(AZIMUTHS):
        rolled = circular_features(stack, maps.roll(k, -1))
        torch.testing.assert_close(rolled, features.roll(k, -1), atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eulernet", (4, 1)),
        ("eulernet equivariant", (4, 0)),
        ("published", (4, 2)),
        ("equivariant", (4, 0)),
    ],
)
def test_just_the_edge_columns_see_the_padding(name, expected):
    """Every other column is the same on the circle, and none of the edge is."""
    stack = new_stack(name)
    stride, edge = stride_and_edge(stack)
    assert (stride, edge) == expected
    maps = torch.rand(50, 1, 6, AZIMUTHS, dtype=torch.float64)
    difference = (stack(maps) - circular_features(stack, maps)[..., ::stride]).abs()
    differs = (difference.amax((0, 1, 2)) > 1e-12).tolist()
    assert differs == [True] * edge + [False] * (18 - 2 * edge) + [True] * edge


@pytest.mark.parametrize("embedding", [True, False])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_codes_of_rolls_are_the_codes_of_rolled_signals(encoder, embedding):
    network = new_sequencenet(encoder, width=32, roll_embedding=embedding).double()
    signals = standardise(SIGNALS).double()
    expected = network._code(*all_rolls(signals))
    codes = network.codes_of_rolls(signals, EVERY)
    torch.testing.assert_close(codes.flatten(0, 1), expected, atol=1e-12, rtol=0)


def test_angles_of_rolls_are_the_angles_of_rolled_signals():
    network = with_biases(EulerNet()).double()
    expected = network(all_rolls(SIGNALS)[0].double())
    angles = network.outputs_of_rolls(SIGNALS.double(), EVERY)
    torch.testing.assert_close(angles.flatten(0, 1), expected, atol=1e-12, rtol=0)


def test_both_encoders_have_the_same_parameters():
    """In number, shape and, from the same seed, value."""
    published, equivariant = (SequenceNet(DigitTokenizer(), encoder=e) for e in ENCODERS)
    assert count_parameters(published) == count_parameters(equivariant)
    published, equivariant = map(new_sequencenet, ENCODERS)
    for one, other in zip(published.parameters(), equivariant.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(
        *(net.encoder(SIGNALS[:, None] / 255) for net in (published, equivariant))
    )


def test_the_equivariant_encoder_learns():
    """The gradient of one view is that of the same view among all rolls, in every parameter."""
    network = new_sequencenet("equivariant", width=32).double()
    signals = standardise(SIGNALS).double()
    parameters = list(network.encoder.parameters())
    k = torch.full((3,), 29)
    code = network._code(roll_azimuth(signals, k), k)
    gradients = torch.autograd.grad(code.square().sum(), parameters)
    among_all = torch.autograd.grad(
        network.codes_of_rolls(signals, EVERY)[:, 29].square().sum(), parameters
    )
    for gradient, expected in zip(gradients, among_all, strict=True):
        assert gradient.abs().max() > 0
        torch.testing.assert_close(gradient, expected, atol=1e-9, rtol=1e-9)
