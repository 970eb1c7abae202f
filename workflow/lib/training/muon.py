"""Muon: momentum made orthogonal, for a network's matrices (Jordan et al. 2024).

A step turns every singular value of a matrix's momentum to about one, so that it learns in all
directions alike, and not first of all in those few that the gradient prefers. PyTorch's own Muon
iterates in bfloat16, which a CPU that lacks it emulates ten times slower, and knows no blocks.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

# Of an odd polynomial whose iteration brings singular values of 0 to 1 near 1 (Jordan et al.).
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
MOMENTUM = 0.95
# A dense matrix with shorter side above the first is cut into blocks of so many columns: the cost
# goes with the square of a block's shorter side.
UNCUT, BLOCK = 128, 64


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised by Newton–Schulz iterations in the parameters' precision.

    matrices: a parameter (rows, columns) each, with the number of blocks in which its `rows` and
    its `columns` are orthogonalised on their own.
    """

    def __init__(self, matrices: list[dict[str, Any]], lr: float) -> None:
        super().__init__(matrices, {"lr": lr, "rows": 1, "columns": 1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One step; matrices whose blocks have one shape are orthogonalised together."""
        alike: dict[torch.Size, list[tuple[dict[str, Any], Tensor]]] = {}
        for group in self.param_groups:
            blocks = _to_blocks(self._direction(group["params"][0]), group)
            alike.setdefault(blocks.shape[1:], []).append((group, blocks))
        for (rows, columns), members in alike.items():
            groups, blocks = zip(*members, strict=True)
            steps = orthogonalised(torch.cat(blocks)).mul_(max(1, rows / columns) ** 0.5)
            for group, step in zip(groups, steps.split([len(b) for b in blocks]), strict=True):
                parameter = group["params"][0]
                parameter.sub_(_from_blocks(step, group), alpha=group["lr"])

    def _direction(self, parameter: Tensor) -> Tensor:
        """The gradient and what is left of those before it."""
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
        return parameter.grad.lerp(state["momentum"], MOMENTUM)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Matrices (n, rows, columns) of the same singular vectors, with values of 0.7 to 1.2.

    Singular values below about 0.001 of a matrix's norm stay smaller.
    """
    a, b, c = QUINTIC
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-12)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def matrices_of(network: nn.Module) -> Iterator[dict[str, Any]]:
    """What of a network Muon learns, as its argument.

    The weights of dense and recurrent layers, each gate of the latter a block. Not those of the
    last layer, the one that answers, of which some rows are rare symbols'.
    """
    layers = [m for m in network.modules() if isinstance(m, nn.Linear | nn.RNNBase)]
    for layer in layers[:-1]:
        if isinstance(layer, nn.RNNBase):
            for name, parameter in layer.named_parameters():
                if name.startswith("weight"):
                    gates = len(parameter) // layer.hidden_size
                    yield {"params": [parameter], "rows": gates, "columns": 1}
        else:
            large = min(layer.weight.shape) > UNCUT and layer.in_features % BLOCK == 0
            columns = layer.in_features // BLOCK if large else 1
            yield {"params": [layer.weight], "rows": 1, "columns": columns}


def _to_blocks(matrix: Tensor, group: dict[str, Any]) -> Tensor:
    """(blocks, rows, columns) of a matrix that `group` says how to cut."""
    width = matrix.shape[1] // group["columns"]
    grid = matrix.view(group["rows"], -1, group["columns"], width)
    return grid.transpose(1, 2).flatten(0, 1)


def _from_blocks(blocks: Tensor, group: dict[str, Any]) -> Tensor:
    """The matrix (rows, columns) again."""
    grid = blocks.unflatten(0, (group["rows"], group["columns"])).transpose(1, 2)
    return grid.flatten(2).flatten(0, 1)
