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
from workflow.lib.tokens.tokenizer import _CHUNK

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


def written_plainly(tokenizer, q):
    """What `encode` writes, by Python's rounding and formatting."""
    if tokenizer.name == "digit":
        return "".join(f"{min(max(round((c + 1) * 500), 0), 999):03d}" for c in q)
    return ",".join(f"{round(c * 1000) / 1000:.3f}" for c in q)


def read_plainly(tokenizer, row):
    """The components that a row of ids stands for, by a regular expression; None if invalid."""
    names = dict(enumerate([*tokenizer.vocabulary[: tokenizer.start], "<", ">", "_"]))
    text = "".join(names.get(i, "?") for i in row)
    sequence = re.fullmatch(rf"<({WELL_FORMED[tokenizer.name].pattern})>_*", text)
    if sequence is None:
        return None
    if tokenizer.name == "digit":
        components = [int(number) / 500 - 1 for number in re.findall(r"\d{3}", sequence[1])]
    else:
        components = [float(number) for number in sequence[1].split(",")]
    norm = np.linalg.norm(components)
    return None if norm == 0 else [c / norm for c in components]


def assert_read_as_plainly(tokenizer, rows):
    """Returns how many of the rows are valid."""
    expected = [read_plainly(tokenizer, row) for row in rows.tolist()]
    q, valid = tokenizer.decode(rows)
    assert valid.tolist() == [components is not None for components in expected]
    expected = torch.tensor([c or [torch.nan] * 4 for c in expected], dtype=torch.float64)
    torch.testing.assert_close(q, expected, rtol=0, atol=1e-15, equal_nan=True)
    return int(valid.sum())


def diverse_sequences(tokenizer):
    """Sequences with all 16 patterns of signs, and with ones and zeros, one of them negative."""
    signs = torch.cartesian_prod(*[torch.tensor([1.0, -1.0])] * 4)
    rows = tokenizer.encode(torch.cat((signs * random_quaternions(16).abs(), -torch.eye(4))))
    strings = ["-0.000,1.000,0.000,-0.000"] if tokenizer.name == "decimal" else ["000000500999"]
    return torch.cat((rows, tokenizer.from_strings(strings)))


@tokenizers
def test_encoding_rounds_as_python_does(tokenizer):
    """On random quaternions, on the decimals themselves, and half-way between them."""
    grid = torch.arange(-2000, 2001, dtype=torch.float64) / 2000
    q = torch.cat((random_quaternions(2000), grid[:4000].view(-1, 4), grid[1:].view(-1, 4)))
    expected = [written_plainly(tokenizer, row) for row in q.tolist()]
    assert tokenizer.to_strings(tokenizer.encode(q)) == expected


NO_SYMBOLS = {
    "known": [],
    "below": [-(2**63), -257, -256, -243, -1],  # some of which are a symbol's as a byte
    "above": [16, 127, 128, 255, 256, 257, 269, 2**32, 2**63 - 1],
}


@tokenizers
@pytest.mark.parametrize("foreign", NO_SYMBOLS.values(), ids=NO_SYMBOLS)
def test_every_corruption_of_one_symbol(tokenizer, foreign):
    """By every symbol, or by integers that are no symbol's id."""
    rows, places = diverse_sequences(tokenizer), tokenizer.length
    ids = torch.tensor(foreign or range(len(tokenizer.vocabulary)))
    corrupted = rows[:, None, None].repeat(1, places, len(ids), 1)
    for position in range(places):
        corrupted[:, position, :, position] = ids
    n_valid = assert_read_as_plainly(tokenizer, corrupted.flatten(0, 2))
    assert n_valid == 0 if foreign else n_valid > len(rows) * places


@tokenizers
def test_shifted_and_truncated_sequences(tokenizer):
    rows = diverse_sequences(tokenizer)
    shifted = [rows.roll(shift, 1) for shift in range(tokenizer.length)]
    truncated = [rows.clone() for _ in range(1, tokenizer.length)]
    for position, cut in enumerate(truncated, start=1):
        cut[:, position:] = tokenizer.pad
    assert assert_read_as_plainly(tokenizer, torch.cat(shifted)) == len(rows)
    assert_read_as_plainly(tokenizer, torch.cat(truncated))


@tokenizers
@given(data=st.data())
def test_any_integers_are_read_as_plainly(tokenizer, data):
    """Rows of anything, and sequences with a few symbols replaced by others."""
    ids = st.integers(0, len(tokenizer.vocabulary) - 1)
    anything = st.one_of(ids, st.integers(-(2**63), 2**63 - 1))
    rows = data.draw(arrays(np.int64, (3, tokenizer.length), elements=anything))
    rows[1:] = diverse_sequences(tokenizer)[data.draw(st.integers(0, 19))]
    places = st.integers(0, tokenizer.length - 1)
    for position, symbol in data.draw(st.lists(st.tuples(places, ids), max_size=4)):
        rows[2, position] = symbol
    assert assert_read_as_plainly(tokenizer, torch.from_numpy(rows)) >= 1


@tokenizers
@pytest.mark.parametrize("n", [0, 1, 2, _CHUNK - 1, _CHUNK, _CHUNK + 1, 2 * _CHUNK + 1])
def test_any_number_of_quaternions(tokenizer, n):
    """More than are worked on at a time come out as when they come in other portions."""
    q = random_quaternions(max(n, 1))[:n]
    tokens = tokenizer.encode(q)
    tokens[n // 2 :, 2] = tokenizer.end  # the second half is invalid
    portions = [tokenizer.decode(part) for part in tokens.split(777)] if n else []
    threads = torch.get_num_threads()
    with torch.inference_mode():  # as where a network's answers are read
        decoded, valid = tokenizer.decode(tokens)
    assert torch.get_num_threads() == threads
    assert tokens.shape == (n, tokenizer.length)
    assert decoded.shape == (n, 4)
    assert torch.equal(valid, torch.arange(n) < n // 2)
    assert torch.equal(tokenizer.encode(q[: n // 2]), tokens[: n // 2])
    if portions:
        together = torch.cat([part for part, _ in portions])
        torch.testing.assert_close(decoded, together, rtol=0, atol=0, equal_nan=True)


@tokenizers
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_tokens_of_any_integer_type_are_read_and_left_as_they_were(tokenizer, dtype):
    rows = diverse_sequences(tokenizer)
    rows[0, 3] = 100  # no symbol
    narrow = rows.to(dtype)
    q, valid = tokenizer.decode(narrow)
    expected = tokenizer.decode(rows)
    torch.testing.assert_close(q, expected[0], rtol=0, atol=0, equal_nan=True)
    assert torch.equal(valid, expected[1])
    assert torch.equal(narrow, rows.to(dtype))


@tokenizers
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_encoding_leaves_the_quaternions_as_they_were(tokenizer, dtype):
    """Also a single one, whose columns are its own memory."""
    q = random_quaternions(1).to(dtype)
    before = q.clone()
    tokens = tokenizer.encode(q)
    assert torch.equal(q, before)
    assert torch.equal(tokens, tokenizer.encode(q.double()))
