"""Layers that both networks have, and what of them all rolls share. Letters: n signals."""

import torch
from torch import Tensor, nn

from workflow.lib.networks.azimuth import features_of_rolls
from workflow.lib.signals.rolls import FULL_SCALE


def count_parameters(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())


def of_rolls(layers: nn.Sequential, signals: Tensor, rolls: Tensor) -> Tensor:
    """(n, k, …): what convolutions, nn.Flatten and dense layers make of rolls (n, k)."""
    flatten = next(i for i, layer in enumerate(layers) if isinstance(layer, nn.Flatten))
    features = features_of_rolls(layers[:flatten], (signals / FULL_SCALE)[:, None], rolls)
    return layers[flatten + 1 :](features)


def padding_of(encoder: str, azimuths: int) -> tuple[list[nn.Module], str | tuple[int, int]]:
    """What stands before the convolutions of an encoder, and how they pad.

    `published`: zeros around. `equivariant`: zeros above and below, and on either side as many
    azimuths from the other end as the convolutions consume, so that rolling the signal rolls
    their maps.
    """
    if encoder == "equivariant":
        return [nn.CircularPad2d((azimuths, azimuths, 0, 0))], (1, 0)
    return [], "same"


def convolution(inputs: int, outputs: int, padding: str | tuple[int, int]) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, kernel_size=3, padding=padding)
    return convolution.to(memory_format=torch.channels_last)  # pools twice as fast on a CPU


def pool_relu() -> tuple[nn.Module, nn.Module]:
    """ReLU and 2×2 max-pooling. The two commute, and pooled first ReLU has a quarter to do."""
    return nn.MaxPool2d(2), nn.ReLU()


def variance_scaling(weight: Tensor, scale: float) -> None:
    """Truncated normal of variance scale / fan-in, cut at two standard deviations."""
    cut_sd = 0.87962566103423978  # standard deviation of N(0, 1) cut at ±2
    sd = (scale / weight.shape[1]) ** 0.5 / cut_sd
    nn.init.trunc_normal_(weight, std=sd, a=-2 * sd, b=2 * sd)


def exact(layer: nn.Linear, inputs: Tensor) -> Tensor:
    """A dense layer's outputs, in its own precision also where the others compute in bfloat16.

    An orientation that is read off bfloat16 numbers is up to 0.4° off.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        return layer(inputs.to(layer.weight.dtype))
