"""What may follow a prefix: all that `encode` writes of unit quaternions, and nothing else."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from tests.unit.tokens import tiny
from workflow.lib.orientation import CUBIC_SYMMETRY, multiply
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer
from workflow.lib.tokens.grammar import Prefixes

CPU = torch.device("cpu")
TOKENIZERS = [DigitTokenizer(), DecimalTokenizer()]
tokenizers = pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda t: t.name)
tiny_ones = pytest.mark.parametrize("make", [tiny.digits, tiny.signed])

components = arrays(np.float64, 4, elements=st.floats(-1, 1))
unit_quaternions = components.filter(lambda q: np.linalg.norm(q) > 1e-3).map(
    lambda q: torch.from_numpy(q / np.linalg.norm(q))
)


def random_quaternions(n: int) -> torch.Tensor:
    return torch.from_numpy(Rotation.random(n, rng=np.random.default_rng(2)).as_quat())


def may_be_written(tokenizer, tokens: torch.Tensor, constrained: bool = True) -> torch.Tensor:
    """Whether each symbol of tokens (n, length) may follow those before it, (n, length) bool."""
    prefixes = Prefixes(tokenizer.grammar(constrained, CPU), len(tokens))
    found = []
    for symbols in tokens.unbind(1):
        found.append(prefixes.allowed().gather(1, symbols[:, None])[:, 0])
        prefixes.follow(symbols)
    return torch.stack(found, 1)


@tokenizers
@given(q=unit_quaternions)
def test_what_is_written_of_a_unit_quaternion_may_be(tokenizer, q):
    """Of all 24 equivalents, with both signs."""
    equivalents = multiply(q, CUBIC_SYMMETRY)
    tokens = tokenizer.encode(torch.cat((equivalents, -equivalents)))
    assert may_be_written(tokenizer, tokens).all()


@tokenizers
@given(q=unit_quaternions, data=st.data())
def test_also_at_the_edges_of_rounding(tokenizer, q, data):
    """A component half-way between two numbers, or as near as floating point gets, or near 1."""
    near_one = [0.9975, 0.998, 0.999, 0.9985, 0.9995, 1 - 1e-9, 1.0]
    half_way = st.integers(-2000, 2000).map(lambda i: i / 2000)
    edge = data.draw(st.one_of(half_way, st.sampled_from(near_one)))
    edge = np.nextafter(edge, data.draw(st.sampled_from([-2.0, edge, 2.0])))
    edge = float(np.clip(edge, -1, 1))
    place = data.draw(st.integers(0, 3))
    others = torch.arange(4) != place
    q = q.clone()
    q[others] *= np.sqrt(1 - edge**2) / max(q[others].norm().item(), 1e-9)
    q[place] = edge
    if abs(q.norm().item() - 1) > 1e-12:  # the others were 0
        q = torch.eye(4, dtype=torch.float64)[place]
    both = torch.stack((q, q.float().double()))  # also as near to norm 1 as float32 gets
    assert may_be_written(tokenizer, tokenizer.encode(both)).all()


@tokenizers
def test_many_random_quaternions_may_be_written(tokenizer):
    tokens = tokenizer.encode(random_quaternions(20_000))
    assert may_be_written(tokenizer, tokens).all()


def bounds_by_hand(tokenizer, text: str) -> list[tuple[Fraction, Fraction]]:
    """Of each number in a text, what is rounded to it."""
    if tokenizer.name == "digit":
        centres = [Fraction(int(text[i : i + 3]), 500) - 1 for i in range(0, 12, 3)]
        half, top = Fraction(1, 1000), Fraction(499, 500)
    else:
        centres = [Fraction(number) for number in text.split(",")]
        half, top = Fraction(1, 2000), Fraction(1)
    return [
        (max(c - half, Fraction(-1)), Fraction(1) if c == top else min(c + half, Fraction(1)))
        for c in centres
    ]


@tokenizers
def test_whatever_is_allowed_ends_as_a_unit_quaternion(tokenizer):
    """Symbols chosen at random from those allowed: never a dead end, always a rotation."""
    n = 3000
    generator = torch.Generator().manual_seed(0)
    prefixes, written = Prefixes(tokenizer.grammar(True, CPU), n), []
    for _ in range(tokenizer.length):
        allowed = prefixes.allowed()
        assert allowed.any(1).all()
        written.append(torch.multinomial(allowed.double(), 1, generator=generator)[:, 0])
        prefixes.follow(written[-1])
    tokens = torch.stack(written, 1)
    q, valid = tokenizer.decode(tokens)
    assert valid.all()
    assert (q.norm(dim=1) - 1).abs().max() < 1e-12
    strings = tokenizer.to_strings(tokens)
    assert "-0.000" not in ",".join(strings)
    assert len({len(text) for text in strings}) == (1 if tokenizer.name == "digit" else 5)
    for text in strings:
        bounds = bounds_by_hand(tokenizer, text)
        least = sum(0 if low < 0 < high else min(low**2, high**2) for low, high in bounds)
        assert least <= 1 <= sum(max(low**2, high**2) for low, high in bounds)


@tokenizers
def test_only_padding_follows_the_end_and_nothing_a_mistake(tokenizer):
    tokens = tokenizer.encode(random_quaternions(50)).repeat(2, 1)
    tokens[50:, 2] = tokenizer.end
    prefixes = Prefixes(tokenizer.grammar(True, CPU), 100)
    for symbols in tokens.unbind(1):
        prefixes.follow(symbols)
    expected = torch.zeros(100, len(tokenizer.vocabulary), dtype=torch.bool)
    expected[:50, tokenizer.pad] = True
    assert torch.equal(prefixes.allowed(), expected)


@tokenizers
def test_what_no_unit_quaternion_is_written_as_is_refused_where_it_begins_to_be(tokenizer):
    """Two components of 0.9 have a norm above 1; all below 0.4 one that is too small."""
    large = {"digit": "950950500500", "decimal": "0.900,0.900,0.000,0.000"}[tokenizer.name]
    small = {"digit": "600600600600", "decimal": "0.200,0.200,0.200,0.200"}[tokenizer.name]
    tokens = tokenizer.from_strings([large, small])
    refused = (~may_be_written(tokenizer, tokens)).double().argmax(1).tolist()
    # 0.9 and then 0.4359 can be, so 0.5 can't: the second number's first digit of 900 … 999, or
    # its first decimal; a last number of 0.2 after three of them can't be either
    expected = {"digit": [4, 10], "decimal": [9, 21]}[tokenizer.name]
    assert refused == expected


@tokenizers
def test_rows_can_be_reordered_and_repeated(tokenizer):
    tokens = tokenizer.encode(random_quaternions(40))
    prefixes = Prefixes(tokenizer.grammar(True, CPU), 40)
    for symbols in tokens[:, :6].unbind(1):
        prefixes.follow(symbols)
    rows = torch.randint(40, (100,), generator=torch.Generator().manual_seed(0))
    expected = prefixes.allowed()[rows]
    prefixes.select(rows)
    assert torch.equal(prefixes.allowed(), expected)
    for symbols in tokens[rows, 6:].unbind(1):
        assert prefixes.allowed().gather(1, symbols[:, None]).all()
        prefixes.follow(symbols)


def walked(tokenizer, constrained: bool) -> torch.Tensor:
    """All sequences that may be written, by following every symbol that is allowed."""
    grammar, rows = tokenizer.grammar(constrained, CPU), torch.zeros(1, 0, dtype=torch.int64)
    prefixes = Prefixes(grammar, 1)
    for _ in range(tokenizer.length):
        allowed = prefixes.allowed()
        assert allowed.any(1).all()
        row, symbol = allowed.nonzero().unbind(1)
        rows = torch.cat((rows[row], symbol[:, None]), 1)
        prefixes.select(row)
        prefixes.follow(symbol)
    return rows


def as_set(tokens: torch.Tensor) -> set[tuple[int, ...]]:
    return set(map(tuple, tokens.tolist()))


@tiny_ones
def test_all_that_may_be_written_is_what_has_a_unit_quaternion_in_its_box(make):
    """By enumeration, and against what is written of many random quaternions."""
    tokenizer = make()
    found = as_set(walked(tokenizer, constrained=True))
    assert found == as_set(tiny.unit_sequences(tokenizer))
    assert 10 < len(found) < len(tokenizer.numbers.texts) ** 4
    assert as_set(tokenizer.encode(random_quaternions(50_000))) <= found


def test_without_the_mask_anything_may_be_written_up_to_an_end():
    tokenizer = tiny.digits()
    found = walked(tokenizer, constrained=False)
    assert as_set(found) == as_set(tiny.all_sequences(tokenizer))
    assert len(found) == 4**5 + 2 * sum(4**k for k in range(5))
