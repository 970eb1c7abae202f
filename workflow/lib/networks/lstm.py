"""The recurrent decoder's LSTM, written for a CPU: what `torch.nn.LSTM` computes, with less to do.

Three things make it faster than `nn.LSTM` at batches of a few hundred sequences and more: by 13 %
in training with bfloat16 and batches of 512, by more in decoding.

- Symbols are few, so the first layer's input part W x + b is a row of a table.
- In training, the backward pass works on what the forward pass has kept and multiplies once
  for the weights of all steps.
- tanh(a) = 2 σ(2a) − 1, and σ is several times as fast as tanh on a CPU. The rows of the
  weights that make the cell's candidate are doubled beforehand, and one call of σ serves all
  four gates; σ(2a) of the candidate is called `half` until it is stretched.

Letters: n sequences, t steps, w width, v vocabulary. The 4w columns of a gate tensor are those of
`nn.LSTM`: input, forget, candidate, output. Matrix products are computed in the type of the drive,
which may be bfloat16; everything between them is float32 at least.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class LayerWeights:
    """Of one layer, its candidate rows doubled: inputs (4w, w or 2w), state (4w, w), bias (4w,)."""

    inputs: Tensor
    state: Tensor
    bias: Tensor


def layer_weights(lstm: nn.LSTM) -> list[LayerWeights]:
    """The layers of `lstm`, differentiable."""
    layers = []
    for k in range(lstm.num_layers):
        named = {name: getattr(lstm, f"{name}_l{k}") for name in _PARAMETERS}
        doubling = torch.ones_like(named["bias_ih"])
        doubling[2 * lstm.hidden_size : 3 * lstm.hidden_size] = 2
        layers.append(
            LayerWeights(
                inputs=named["weight_ih"] * doubling[:, None],
                state=named["weight_hh"] * doubling[:, None],
                bias=(named["bias_ih"] + named["bias_hh"]) * doubling,
            )
        )
    return layers


def symbol_drive(layer: LayerWeights, embedding: Tensor) -> Tensor:
    """What each symbol of `embedding` (v, w) adds to the first layer's gates, (v, 4w)."""
    return functional.linear(embedding, layer.inputs[:, : embedding.shape[1]], layer.bias)


def code_drive(layer: LayerWeights, code: Tensor) -> Tensor:
    """What a code (n, w) that is joined to each step's input adds to them, (n, 4w)."""
    return functional.linear(code, layer.inputs[:, -code.shape[1] :])


def run(layers: list[LayerWeights], drive: Tensor, state: Tensor) -> Tensor:
    """Hidden states of the last layer, (t, n, w), in the type of `drive`; differentiable.

    drive (t, n, 4w): input part of the first layer's gates, which is overwritten. state (n, w): the
    initial hidden and cell state of every layer.
    """
    kind = drive.dtype
    hidden = _Layer.apply(drive, state, layers[0].state.to(kind))
    for layer in layers[1:]:
        drive = functional.linear(hidden, layer.inputs.to(kind), layer.bias.to(kind))
        hidden = _Layer.apply(drive, state, layer.state.to(kind))
    return hidden


def look_up(table: Tensor, tokens: Tensor) -> Tensor:
    """Rows of `table` (v, columns), (..., columns); its gradient is one matrix product."""
    return _Lookup.apply(table, tokens)


class Stepwise:
    """The same recurrence a step at a time, for decoding; not differentiable."""

    def __init__(self, layers: list[LayerWeights], state: Tensor) -> None:
        """state (n, w): the initial hidden and cell state of every layer."""
        self._layers = layers
        self._hidden = [state.clone() for _ in layers]
        self._cells = [state.clone() for _ in layers]
        self._gates = state.new_empty(len(state), 4 * state.shape[1])

    def select(self, rows: Tensor) -> None:
        """Go on with these rows (m,), in this order; they may be repeated or left out."""
        self._hidden = [hidden.index_select(0, rows) for hidden in self._hidden]
        self._cells = [cell.index_select(0, rows) for cell in self._cells]
        if len(rows) != len(self._gates):
            self._gates = self._gates.new_empty(len(rows), self._gates.shape[1])

    def step(self, drive: Tensor) -> Tensor:
        """The last layer's hidden state (n, w) after one more step; drive (n, 4w).

        The result is overwritten by the next call.
        """
        for k, layer in enumerate(self._layers):
            hidden, cell = self._hidden[k], self._cells[k]
            if k == 0:
                torch.addmm(drive, hidden, layer.state.t(), out=self._gates)
            else:
                torch.addmm(layer.bias, self._hidden[k - 1], layer.inputs.t(), out=self._gates)
                self._gates.addmm_(hidden, layer.state.t())
            _open(self._gates)
            into, forget, candidate, out = self._gates.chunk(4, 1)
            cell.mul_(forget).addcmul_(into, candidate)
            _tanh(cell, out=hidden).mul_(out)
        return self._hidden[-1]


_PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _open(gates: Tensor) -> None:
    """From doubled pre-activations (n, 4w), in place: three gates by σ, the candidate by tanh."""
    half = gates.sigmoid_().chunk(4, 1)[2]
    half.mul_(2).sub_(1)


def _tanh(x: Tensor, out: Tensor) -> Tensor:
    return torch.add(x, x, out=out).sigmoid_().mul_(2).sub_(1)


class _Layer(torch.autograd.Function):
    """One layer over all steps. Gradients are those with respect to the doubled weights."""

    @staticmethod
    def forward(ctx, drive: Tensor, state: Tensor, weight: Tensor) -> Tensor:
        t, n, columns = drive.shape
        exact = torch.promote_types(drive.dtype, torch.float32)
        gates = drive.new_empty(t, n, columns, dtype=exact)
        cells = gates.new_empty(t + 1, n, columns // 4)
        squashed = torch.empty_like(cells[1:])  # tanh of the cells
        hidden = torch.empty_like(cells, dtype=drive.dtype)
        cells[0], hidden[0] = state, state
        for s in range(t):
            # In place, because addmm would first copy the drive.
            gates[s] = drive[s].addmm_(hidden[s], weight.t())
            _open(gates[s])
            into, forget, candidate, out = gates[s].chunk(4, 1)
            torch.mul(cells[s], forget, out=cells[s + 1]).addcmul_(into, candidate)
            hidden[s + 1] = out * _tanh(cells[s + 1], out=squashed[s])
        ctx.save_for_backward(gates, cells, squashed, hidden, weight)
        return hidden[1:]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, cells, squashed, hidden, weight = ctx.saved_tensors
        t, n, columns = gates.shape
        gradient = gradient.to(gates.dtype)
        one = gates.new_ones(n, columns // 4)
        d_gates = torch.empty_like(gates, dtype=hidden.dtype)
        d_cell = torch.zeros_like(one)
        d_hidden = torch.zeros_like(one)
        slope = gates.new_empty(n, columns)
        slopes = slope.chunk(4, 1)
        for s in reversed(range(t)):
            into, forget, candidate, out = gates[s].chunk(4, 1)
            d_hidden.add_(gradient[s])
            torch.addcmul(gates[s], gates[s], gates[s], value=-1, out=slope)  # σ' = σ − σ²
            slopes[3].mul_(squashed[s]).mul_(d_hidden)
            tanh_slope = torch.addcmul(one, squashed[s], squashed[s], value=-1)
            d_cell.addcmul_(d_hidden.mul_(out), tanh_slope)
            slopes[0].mul_(candidate).mul_(d_cell)
            slopes[1].mul_(cells[s]).mul_(d_cell)
            # of 2σ(a) − 1 with a doubled: half of tanh's
            torch.addcmul(one, candidate, candidate, value=-1, out=slopes[2])
            slopes[2].mul_(into).mul_(d_cell).div_(2)
            d_gates[s] = slope
            d_hidden.copy_(d_gates[s] @ weight)
            d_cell.mul_(forget)
        d_weight = d_gates.flatten(0, 1).t() @ hidden[:-1].flatten(0, 1)
        return d_gates, d_hidden + d_cell, d_weight


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx, table: Tensor, tokens: Tensor) -> Tensor:
        ctx.save_for_backward(tokens)
        ctx.rows = len(table)
        return table[tokens]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (tokens,) = ctx.saved_tensors
        chosen = functional.one_hot(tokens.flatten(), ctx.rows).to(gradient.dtype)
        return chosen.t() @ gradient.flatten(0, -2), None
