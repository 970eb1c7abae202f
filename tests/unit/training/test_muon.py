"""Muon against the singular value decomposition, and what of a network it takes."""

import numpy as np
import pytest
import torch
from torch import nn

from workflow.lib.networks import EulerNet, SequenceNet
from workflow.lib.networks.attention import AttentionNet
from workflow.lib.networks.transformer import TransformerNet
from workflow.lib.tokens import DigitTokenizer
from workflow.lib.training.muon import MOMENTUM, Muon, matrices_of, orthogonalised


@pytest.mark.parametrize("shape", [(3, 128, 128), (2, 40, 90), (1, 768, 64)])
def test_the_singular_vectors_stay_and_the_values_come_near_one(shape):
    torch.manual_seed(0)
    matrices = torch.randn(shape, dtype=torch.float64)
    u, values, vh = np.linalg.svd(matrices.numpy(), full_matrices=False)
    result = orthogonalised(matrices).numpy()
    inner = np.swapaxes(u, 1, 2) @ result @ np.swapaxes(vh, 1, 2)
    large = values > 0.01 * np.linalg.norm(values, axis=1, keepdims=True)
    found = np.diagonal(inner, axis1=1, axis2=2)
    assert large.mean() > 0.9
    assert found[large].min() > 0.65
    assert found.max() < 1.25
    assert np.abs(inner - found[:, None] * np.eye(len(found[0]))).max() < 1e-9


def test_a_matrix_of_zeros_stays_one():
    assert not orthogonalised(torch.zeros(1, 4, 8)).any()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (4, 1), (1, 3), (2, 3)])
def test_each_block_is_orthogonalised_on_its_own(rows, columns):
    """Two steps by hand, block by block."""
    torch.manual_seed(1)
    parameter = nn.Parameter(torch.randn(8, 12))
    expected, momentum = parameter.detach().clone(), torch.zeros(8, 12)
    matrix = {"params": [parameter], "rows": rows, "columns": columns}
    optimizer = Muon([matrix], lr=0.1)
    for _ in range(2):
        gradient = torch.randn(8, 12)
        parameter.grad = gradient.clone()
        optimizer.step()
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * gradient
        direction = MOMENTUM * momentum + (1 - MOMENTUM) * gradient
        height, width = 8 // rows, 12 // columns
        for i in range(0, 8, height):
            for j in range(0, 12, width):
                block = np.s_[i : i + height, j : j + width]
                step = orthogonalised(direction[block][None])[0]
                expected[block] -= 0.1 * max(1, height / width) ** 0.5 * step
    torch.testing.assert_close(parameter.detach(), expected)


def test_matrices_of_equal_shape_are_together_and_do_not_mix():
    torch.manual_seed(2)
    alone, together = ([nn.Parameter(torch.ones(6, 6) * k) for k in (1, 2)] for _ in range(2))
    for parameters in (alone, together):
        generator = torch.Generator().manual_seed(3)
        for parameter in parameters:
            parameter.grad = torch.randn(6, 6, generator=generator)
    Muon([{"params": [parameter]} for parameter in together], lr=0.1).step()
    for parameter in alone:
        Muon([{"params": [parameter]}], lr=0.1).step()
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other)
        assert not torch.equal(one, one.mean().expand(6, 6))


def taken(network: nn.Module) -> dict[str, tuple[int, int]]:
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    found = matrices_of(network)
    return {names[id(m["params"][0])]: (m["rows"], m["columns"]) for m in found}


def test_it_takes_dense_and_recurrent_weights_but_not_those_that_answer():
    """EulerNet's large matrices in blocks of 64 columns, SequenceNet's gates one by one."""
    assert taken(EulerNet()) == {"angles.0.weight": (1, 18), "angles.2.weight": (1, 12)}
    dense = {f"encoder.{k}.weight": (1, 1) for k in (11, 13, 15)}
    gates = {f"decoder.weight_{part}_l0": (4, 1) for part in ("ih", "hh")}
    assert taken(SequenceNet(DigitTokenizer(), layers=1)) == dense | gates
    gru = taken(SequenceNet(DigitTokenizer(), cell="gru", layers=2))
    assert gru["decoder.weight_hh_l1"] == (3, 1)
    attention = {f"attention.{part}.weight": (1, 1) for part in ("query", "join")}
    assert taken(AttentionNet(DigitTokenizer(), layers=1)) == dense | gates | attention
    layers = ("query", "key", "value", "output", "dense.1", "dense.3")
    block = {f"decoder.blocks.0.{layer}.weight": (1, 1) for layer in layers}
    assert taken(TransformerNet(DigitTokenizer(), layers=1)) == dense | block
