"""The convolutional encoders, from a signal to a vector: SequenceNet's, and EulerNet's.

Each is an nn.Sequential of convolutions, nn.Flatten and dense layers, without an activation at its
end. encoder: `published` pads the azimuth's ends with zeros; `equivariant`, which has the same
parameters, joins them, so that rolling the signal rolls the convolutions' maps.
"""

from torch import nn

from workflow.lib.networks.layers import convolution, padding_of, pool_relu, variance_scaling


def sequencenet_layers(encoder: str, width: int) -> nn.Sequential:
    """Four convolutions and three dense layers (Patala & Patala, as released)."""
    head, padding = padding_of(encoder, azimuths=6)  # what they consume: 1 + 1 + 2 + 2
    return nn.Sequential(
        *head,
        convolution(1, 16, padding), nn.ReLU(),
        convolution(16, 16, padding), *pool_relu(),
        convolution(16, 32, padding), nn.ReLU(),
        convolution(32, 32, padding), *pool_relu(),
        nn.Flatten(),  # 32 · 1 · 18 = 576
        nn.Linear(576, 128), nn.ReLU(),
        nn.Linear(128, 128), nn.ReLU(),
        nn.Linear(128, width),
    )  # fmt: skip


def eulernet_layers(encoder: str, width: int) -> nn.Sequential:
    """Two convolutions and three dense layers (Wittwer & Seita 2022, as released)."""
    head, padding = padding_of(encoder, azimuths=3)  # what the convolutions consume: 1 + 2
    layers = nn.Sequential(
        *head,
        convolution(1, 64, padding), *pool_relu(),
        convolution(64, 64, padding), *pool_relu(),
        nn.Flatten(),
        nn.Linear(64 * 1 * 18, 768), nn.ReLU(),
        nn.Linear(768, 384), nn.ReLU(),
        nn.Linear(384, width),
    )  # fmt: skip
    for module in layers:
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
        elif isinstance(module, nn.Linear):
            variance_scaling(module.weight, scale=0.5)
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.zeros_(module.bias)
    return layers


ENCODERS = {"deep": sequencenet_layers, "wide": eulernet_layers}
"""By the config's `body`: four convolutions of 16 and 32 channels, or two of 64."""
