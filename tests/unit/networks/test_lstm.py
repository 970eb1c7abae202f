"""Our LSTM against PyTorch's, values and gradients, and the step-wise form against the whole."""

import pytest
import torch
from torch import nn

from workflow.lib.networks import lstm

N, T, WIDTH, SYMBOLS = 7, 5, 6, 4


def problem(layers: int, joined: bool = False):
    torch.manual_seed(layers)
    theirs = nn.LSTM(2 * WIDTH if joined else WIDTH, WIDTH, layers).double()
    embedding = torch.randn(SYMBOLS, WIDTH, dtype=torch.float64, requires_grad=True)
    state = torch.randn(N, WIDTH, dtype=torch.float64, requires_grad=True)
    tokens = torch.randint(SYMBOLS, (T, N))
    return theirs, embedding, state, tokens


def of_torch(theirs, embedding, state, tokens):
    initial = state.expand(theirs.num_layers, *state.shape).contiguous()
    return theirs(embedding[tokens], (initial, initial))[0]


def ours(theirs, embedding, state, tokens, kind=torch.float64):
    layers = lstm.layer_weights(theirs)
    table = lstm.symbol_drive(layers[0], embedding)
    return lstm.run(layers, lstm.look_up(table.to(kind), tokens), state)


def gradients(answer, theirs, embedding, state):
    weights = torch.linspace(-1, 1, answer.numel(), dtype=torch.float64).view_as(answer)
    inputs = [embedding, state, *theirs.parameters()]
    return torch.autograd.grad((answer * weights).sum(), inputs)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_values_and_gradients_are_those_of_torch(layers):
    theirs, embedding, state, tokens = problem(layers)
    expected = of_torch(theirs, embedding, state, tokens)
    answer = ours(theirs, embedding, state, tokens)
    torch.testing.assert_close(answer, expected, rtol=0, atol=1e-13)
    for own, other in zip(
        gradients(answer, theirs, embedding, state),
        gradients(expected, theirs, embedding, state),
        strict=True,
    ):
        torch.testing.assert_close(own, other, rtol=1e-11, atol=1e-13)


def test_gradients_are_those_of_finite_differences():
    theirs, embedding, state, tokens = problem(2)
    assert torch.autograd.gradcheck(
        lambda e, s, *_: ours(theirs, e, s, tokens), (embedding, state, *theirs.parameters())
    )


@pytest.mark.parametrize("joined", [False, True])
def test_step_by_step_it_is_the_same(joined):
    theirs, embedding, state, tokens = problem(3, joined)
    code = torch.randn(N, WIDTH, dtype=torch.float64)
    inputs = embedding[tokens]
    if joined:
        inputs = torch.cat((inputs, code.expand(T, -1, -1)), -1)
    initial = state.expand(3, *state.shape).contiguous()
    with torch.inference_mode():
        expected = theirs(inputs, (initial, initial))[0]
        layers = lstm.layer_weights(theirs)
        table = lstm.symbol_drive(layers[0], embedding)
        constant = lstm.code_drive(layers[0], code) if joined else 0
        stepper = lstm.Stepwise(layers, state)
        for row, wanted in zip(tokens, expected, strict=True):
            answer = stepper.step(table[row] + constant)
            torch.testing.assert_close(answer, wanted, rtol=0, atol=1e-13)


def test_bfloat16_is_as_near_to_float32_as_in_torch():
    """Errors of its gradients are at most 1.5 times those of PyTorch's own in bfloat16."""
    torch.manual_seed(0)
    theirs = nn.LSTM(64, 64, 2)
    embedding, state = torch.randn(13, 64, requires_grad=True), torch.randn(200, 64)
    state.requires_grad_()
    tokens = torch.randint(13, (13, 200))
    exact = gradients(of_torch(theirs, embedding, state, tokens), theirs, embedding, state)
    with torch.autocast("cpu", torch.bfloat16):
        torch_bfloat16 = of_torch(theirs, embedding, state, tokens)
    answer = ours(theirs, embedding, state, tokens, torch.bfloat16)
    assert answer.dtype == torch.bfloat16
    for own, other, wanted in zip(
        gradients(answer, theirs, embedding, state),
        gradients(torch_bfloat16, theirs, embedding, state),
        exact,
        strict=True,
    ):
        assert (own - wanted).norm() < max(1.5 * (other - wanted).norm(), 1e-3 * wanted.norm())
        assert (own - wanted).norm() < 0.02 * wanted.norm()
