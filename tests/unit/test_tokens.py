"""Both tokenizers: the strings of the paper, round trips, and refusal of ill-formed text."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from workflow.lib.orientation import misorientation_deg
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer

TOKENIZERS = [DigitTokenizer(), DecimalTokenizer()]
# Quantisation of facts: the largest and median angle in degrees between q and decode(encode(q)).
QUANTISATION_DEG = {"digit": (0.224, 0.111), "decimal": (0.115, 0.055)}

unit_quaternions = (
    arrays(np.float64, 4, elements=st.floats(-1, 1))
    .filter(lambda q: np.linalg.norm(q) > 1e-3)
    .map(lambda q: torch.from_numpy(q / np.linalg.norm(q))[None])
)
tokenizers = pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda t: t.name)


def random_quaternions(n: int) -> torch.Tensor:
    rotations = Rotation.random(n, rng=np.random.default_rng(1))
    return torch.from_numpy(rotations.as_quat(scalar_first=True))


def angle_deg(p, q):
    return torch.rad2deg(2 * (p * q).sum(-1).abs().clamp(max=1).arccos())


def test_the_papers_example():
    q = torch.tensor([[0.12345, -0.6789, 0.1112, -0.3211]])
    tokenizer = DecimalTokenizer()
    assert tokenizer.to_strings(tokenizer.encode(q)) == ["0.123,-0.679,0.111,-0.321"]


def test_the_released_digits():
    q = torch.tensor([[1.0, 0.0, -0.5, -1.0], [0.9985, 0.001, 0.002, 0.05]], dtype=torch.float64)
    tokenizer = DigitTokenizer()
    assert tokenizer.to_strings(tokenizer.encode(q)) == ["999500250000", "999500501525"]
    assert tokenizer.encode(q)[0, [0, -1]].tolist() == [tokenizer.start, tokenizer.end]
    weights = [2, 1, 0.5] * 4 + [1]
    assert tokenizer.loss_weights().tolist() == weights


@tokenizers
@given(q=unit_quaternions)
def test_round_trip_of_every_unit_quaternion(tokenizer, q):
    tokens = tokenizer.encode(q)
    assert tokens.shape == (1, tokenizer.length)
    assert tokens.dtype == torch.int64
    decoded, valid = tokenizer.decode(tokens)
    assert valid.all()
    assert decoded.norm(dim=-1).item() == pytest.approx(1)
    assert angle_deg(decoded, q).item() <= QUANTISATION_DEG[tokenizer.name][0] + 1e-3
    assert torch.equal(tokenizer.from_strings(tokenizer.to_strings(tokens)), tokens)
    again = tokenizer.encode(decoded * q.norm())
    assert (tokenizer.decode(again)[0] - decoded).abs().max() < 3e-3


@tokenizers
def test_quantisation_is_as_published(tokenizer):
    q = random_quaternions(100_000)
    decoded, valid = tokenizer.decode(tokenizer.encode(q))
    largest, median = QUANTISATION_DEG[tokenizer.name]
    angles = misorientation_deg(q, decoded)
    assert valid.all()
    assert angles.median().item() == pytest.approx(median, abs=0.001)
    assert largest * 0.8 < angles.max() <= largest + 1e-3


@tokenizers
def test_axes_and_signs(tokenizer):
    """±1 and ±0 on every component, where clipping and the sign of zero bite."""
    eye = torch.eye(4, dtype=torch.float64)
    q = torch.cat((eye, -eye, -0.0 + eye))
    decoded, valid = tokenizer.decode(tokenizer.encode(q))
    assert valid.all()
    assert (decoded - q).abs().max() < 0.003
    assert "-0.000" not in "".join(tokenizer.to_strings(tokenizer.encode(q)))


WELL_FORMED = {
    "digit": re.compile(r"\d{12}"),
    "decimal": re.compile(r"(-?(0\.\d{3}|1\.000),){3}-?(0\.\d{3}|1\.000)"),
}


@tokenizers
@given(data=st.data())
def test_decoding_accepts_exactly_the_grammar(tokenizer, data):
    """Damaged strings against a regular expression: same verdict, never an exception."""
    text = tokenizer.to_strings(tokenizer.encode(data.draw(unit_quaternions)))[0]
    position = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 2))
    inserted = data.draw(st.text("0123456789-.,x ", max_size=2))
    damaged = text[:position] + inserted + text[position + removed :]
    expected = bool(WELL_FORMED[tokenizer.name].fullmatch(damaged))
    q, valid = tokenizer.decode(tokenizer.from_strings([damaged]))
    if expected and re.fullmatch(r"(500){4}|[-,.0]*", damaged):
        expected = False  # the zero quaternion
    assert valid.item() == expected
    assert q.isnan().all().item() != expected


@tokenizers
@given(data=st.data())
def test_any_tokens_decode_to_a_unit_quaternion_or_nan(tokenizer, data):
    """What a network may emit: arbitrary ids anywhere."""
    ids = st.integers(0, len(tokenizer.vocabulary) - 1)
    row = data.draw(st.lists(ids, min_size=tokenizer.length, max_size=tokenizer.length))
    q, valid = tokenizer.decode(torch.tensor([row]))
    if valid:
        assert q.norm().item() == pytest.approx(1)
        text = tokenizer.to_strings(torch.tensor([row]))[0]
        assert WELL_FORMED[tokenizer.name].fullmatch(text)
    else:
        assert q.isnan().all()


ILL_FORMED = {
    "digit": ["", "12345678901", "1234567890123", "12345678901-", "500500500500", "1.3456789012"],
    "decimal": [
        "",
        "0.123,-0.679,0.111",
        "0.123,-0.679,0.111,-0.3211",
        "0.123,-0.679,0.111,--0.321",
        "1.001,0.000,0.000,0.000",
        "2.000,0.000,0.000,0.000",
        "0.000,0.000,0.000,0.000",
        "0.123 -0.679 0.111 -0.321",
        ".1234,-0.679,0.111,-0.321",
        "nan,0.000,0.000,1.000",
    ],
}


@tokenizers
def test_ill_formed_strings_are_reported(tokenizer):
    strings = ILL_FORMED[tokenizer.name]
    good = tokenizer.to_strings(tokenizer.encode(random_quaternions(1)))
    q, valid = tokenizer.decode(tokenizer.from_strings([*strings, *good]))
    assert valid.tolist() == [False] * len(strings) + [True]
    assert q[:-1].isnan().all()


@tokenizers
def test_missing_start_end_or_padding_is_invalid(tokenizer):
    tokens = tokenizer.encode(torch.tensor([[0.5, 0.5, 0.5, 0.5]])).repeat(3, 1)
    tokens[0, 0] = tokenizer.end
    tokens[1][tokens[1] == tokenizer.end] = tokenizer.pad
    tokens[2, -1] = tokenizer.start
    assert not tokenizer.decode(tokens)[1].any()
