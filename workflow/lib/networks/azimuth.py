"""Convolutions along the azimuth, which is a circle, and the features of many rolls at once.

A stack is an nn.Sequential of convolutions of odd size, ReLUs, and max-pools whose stride is
their size. Either its convolutions pad zeros ("same"), or an nn.CircularPad2d at its head
joins the azimuth's ends and they pad only the elevation. It notices in two ways only that its
input was rolled: by zeros at the ends, and by where the pools' strides begin. Evaluated on the
circle, and with the pools' strides from each of their beginnings, it notices neither, and the
features of every roll can be read off one map. Letters: n signals, c channels, e elevations,
a azimuths, m columns of a stack's map, one for each `stride` azimuths, k rolls.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def features_of_rolls(stack: nn.Sequential, maps: Tensor, rolls: Tensor) -> Tensor:
    """What `stack` and nn.Flatten make of rolls (n, k) of maps (n, c, e, a): (n, k, features).

    rolls: by how many azimuths each, as in `roll_azimuth`. A circular stack costs two to four
    times as much for all rolls as for one. Where zeros change the columns at the two ends, each
    roll costs in addition the few azimuths that these columns see.
    """
    if rolls.shape[1] == 1:
        everything = torch.arange(maps.shape[-1], device=maps.device)
        return stack(_columns(maps, everything - rolls)).flatten(1)[:, None]
    stride, edge = stride_and_edge(stack)
    on_circle = circular_features(stack, maps)
    inner = stride * torch.arange(edge, maps.shape[-1] // stride - edge, device=maps.device)
    features = _columns(on_circle, inner - rolls[..., None])  # (n k, c, e, m)
    if edge:
        ends = _ends(stack, maps, rolls, edge, stride)
        features = torch.cat((ends[..., :edge], features, ends[..., edge:]), -1)
    return features.flatten(1).unflatten(0, rolls.shape)


def _ends(stack: nn.Sequential, maps: Tensor, rolls: Tensor, edge: int, stride: int) -> Tensor:
    """The `edge` first and last columns (n k, c, e, 2 edge) of the map of each roll (n, k)."""
    azimuths = maps.shape[-1]
    # Two edges wide, so that either half of its map is as if only its own end were near.
    width = 2 * edge * stride
    # The last columns of roll k are the last ones of the window with which roll k + width begins.
    starts = torch.cat((rolls, rolls + width), 1) % azimuths
    every = torch.arange(azimuths, device=maps.device).expand(len(maps), -1)
    shown = every if starts.shape[1] > azimuths else starts  # no window twice
    windows = _columns(maps, torch.arange(width, device=maps.device) - shown[..., None])
    ends = stack(windows).unflatten(0, shown.shape)
    if shown is every:
        ends = ends[torch.arange(len(maps), device=maps.device)[:, None], starts]
    first, last = ends.chunk(2, 1)
    return torch.cat((first[..., :edge], last[..., edge:]), -1).flatten(0, 1)


def _columns(maps: Tensor, columns: Tensor) -> Tensor:
    """Columns (n, …, m), modulo a, of maps (n, c, e, a): (n …, c, e, m), channels last."""
    signal = torch.arange(len(maps), device=maps.device).view(-1, *[1] * (columns.dim() - 1))
    chosen = maps.permute(0, 3, 1, 2)[signal, columns % maps.shape[-1]]  # (n, …, m, c, e)
    return chosen.flatten(0, columns.dim() - 2).permute(0, 2, 3, 1)


def circular_features(stack: nn.Sequential, maps: Tensor) -> Tensor:
    """The map of `stack` on the circle at every azimuth: maps (n, c, e, a) to (n, c', e', a).

    All convolutions are on the circle, whatever they pad in `stack`. Rolling the input rolls
    the result, and the roll by k has as column m of its strided map this one's stride · m − k.
    """
    pools: list[int] = []  # sizes of those so far, the last one first
    for layer in stack:
        if isinstance(layer, nn.CircularPad2d):
            continue
        if isinstance(layer, nn.Conv2d):
            above, beside = (size // 2 for size in layer.kernel_size)
            # not functional.pad, which does not keep channels_last
            maps = torch.cat((maps[..., maps.shape[-1] - beside :], maps, maps[..., :beside]), -1)
            maps = functional.conv2d(maps, layer.weight, layer.bias, padding=(above, 0))
        elif isinstance(layer, nn.MaxPool2d):
            size = layer.kernel_size
            maps = torch.cat([layer(maps.roll(-begin, -1)) for begin in range(size)])
            pools.insert(0, size)
        else:
            maps = layer(maps)
    # Pooled from each of the strides' beginnings b1, b2, … in turn, column m is the azimuth
    # m · stride + … + size1 · b2 + b1.
    maps = maps.unflatten(0, (*pools, len(maps) // math.prod(pools)))
    return maps.movedim(tuple(range(len(pools))), tuple(range(-len(pools), 0))).flatten(3)


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
