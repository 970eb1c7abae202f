"""Convolutions along the azimuth, which is a circle, and the features of all rolls at once.

A stack is an nn.Sequential of convolutions of odd size, ReLUs, and max-pools whose stride is
their size. Either its convolutions pad zeros ("same"), or an nn.CircularPad2d at its head
joins the azimuth's ends and they pad only the elevation. It notices in two ways only that its
input was rolled: by zeros at the ends, and by where the pools' strides begin. Evaluated on the
circle and at every column (à trous: dilated instead of strided) it notices neither, and the
features of every roll can be read off one map. Letters: n signals, c channels, e elevations,
a azimuths, m columns of a stack's map, one for each `stride` azimuths.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def features_of_rolls(stack: nn.Sequential, maps: Tensor) -> Tensor:
    """What `stack` and nn.Flatten make of each roll of maps (n, c, e, a): (n, a, features).

    Index k of the second axis is the roll by k azimuths, as in `roll_azimuth`. A circular
    stack costs one pass à trous. Where zeros change the columns at the two ends, each roll
    costs the few azimuths that these columns see in addition.
    """
    azimuths, (stride, edge) = maps.shape[-1], stride_and_edge(stack)
    rolls = torch.arange(azimuths, device=maps.device)[:, None]
    columns = torch.arange(edge, azimuths // stride - edge, device=maps.device)
    on_circle = circular_features(stack, maps).permute(0, 3, 1, 2)  # (n, a, c, e)
    features = on_circle[:, (stride * columns - rolls) % azimuths]  # (n, a, m, c, e)
    if edge:
        # Two edges wide, so that either half of its map is as if only its own end were near.
        width = 2 * edge * stride
        seen = torch.arange(width, device=maps.device)
        windows = maps[..., (seen - rolls) % azimuths]  # (n, c, e, a, width): each roll's first
        ends = stack(windows.permute(0, 3, 1, 2, 4).flatten(0, 1))
        ends = ends.unflatten(0, (-1, azimuths)).permute(0, 1, 4, 2, 3)  # (n, a, m, c, e)
        first, last = ends.split(edge, dim=2)
        # the last columns of roll k are the first ones of roll k + width
        features = torch.cat((first, features, last.roll(-width, 1)), 2)
    return features.permute(0, 1, 3, 4, 2).flatten(2)


def circular_features(stack: nn.Sequential, maps: Tensor) -> Tensor:
    """The map of `stack` on the circle at every azimuth: maps (n, c, e, a) to (n, c', e', a).

    All convolutions are on the circle, whatever they pad in `stack`. Rolling the input rolls
    the result, and the roll by k has as column m of its strided map this one's stride · m − k.
    """
    step = 1  # azimuths between what are neighbours in `stack`
    for layer in stack:
        if isinstance(layer, nn.CircularPad2d):
            continue
        if isinstance(layer, nn.Conv2d):
            above, beside = (size // 2 for size in layer.kernel_size)
            maps = _extend(maps, beside * step, beside * step)
            maps = functional.conv2d(
                maps, layer.weight, layer.bias, padding=(above, 0), dilation=(1, step)
            )
        elif isinstance(layer, nn.MaxPool2d):
            size = layer.kernel_size
            maps = _extend(maps, 0, (size - 1) * step)
            maps = functional.max_pool2d(maps, size, stride=(size, 1), dilation=(1, step))
            step *= size
        else:
            maps = layer(maps)
    return maps


def stride_and_edge(stack: nn.Sequential) -> tuple[int, int]:
    """Azimuths per column of the stack's map, and how many columns at either end see zeros.

    A "same" convolution of size 3 looks one of its own columns further to both sides, and a
    column stands for as many azimuths as the pools before it have merged; a pool looks no
    further than what it merges.
    """
    stride, reach = 1, 0
    for layer in stack:
        if isinstance(layer, nn.MaxPool2d):
            stride *= layer.kernel_size
        elif isinstance(layer, nn.Conv2d) and layer.padding == "same":
            reach += layer.kernel_size[1] // 2 * stride
    return stride, -(-reach // stride)


def _extend(maps: Tensor, before: int, after: int) -> Tensor:
    """Maps with columns of the other end at both ends; unlike pad, keeps them channels_last."""
    return torch.cat((maps[..., maps.shape[-1] - before :], maps, maps[..., :after]), -1)
