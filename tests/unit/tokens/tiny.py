"""A tokenizer of few numbers, for tests that enumerate all it can write. Written plainly."""

import itertools
import math

import torch

from workflow.lib.tokens import Tokenizer
from workflow.lib.tokens.grammar import Numbers


class TinyTokenizer(Tokenizer):
    """Components −1 to 1 as one of `texts`, which divide this range evenly."""

    name = "tiny"

    def __init__(self, texts: list[str], separator: str) -> None:
        count = len(texts)
        self.numbers = Numbers(texts, range(-count, count + 1, 2), count, separator)
        characters = sorted({*"".join(texts), *separator})
        longest = max(map(len, texts))
        super().__init__("".join(characters), symbols=4 * longest + 3 * len(separator))

    def _write(self, components):
        count = len(self.numbers.texts)
        number = ((components + 1) / 2 * count).floor().long().clamp(0, count - 1)
        texts = [[self.numbers.texts[i] for i in row] for row in number.T.tolist()]
        strings = [self.numbers.separator.join(row) for row in texts]
        return self.from_strings(strings)[:, 1:].T.to(torch.uint8)

    def _read(self, symbols):
        # a column of START before the symbols, as `to_strings` expects
        strings = self.to_strings(torch.cat((symbols[:1], symbols)).T.long())
        known = {text: numbers for text, numbers in _all_numbers(self)}
        found = [known.get(string) for string in strings]
        count = len(self.numbers.texts)
        components = [[(2 * i + 1) / count - 1 for i in row or (0, 0, 0, 0)] for row in found]
        return torch.tensor(components).double().T, torch.tensor([bool(row) for row in found])


def digits() -> TinyTokenizer:
    """Three digits, a number each: all sequences of fixed length."""
    return TinyTokenizer(["0", "1", "2"], separator="")


def signed() -> TinyTokenizer:
    """Five numbers with a sign where they need one: lengths differ."""
    return TinyTokenizer(["-2", "-1", "0", "1", "2"], separator=",")


def unit_sequences(tokenizer: TinyTokenizer) -> torch.Tensor:
    """All sequences (N, length) whose box holds a unit quaternion, by the box's corners."""
    edges = [edge / tokenizer.numbers.scale for edge in tokenizer.numbers.edges]
    written = []
    for text, numbers in _all_numbers(tokenizer):
        bounds = [(edges[i], edges[i + 1]) for i in numbers]
        least = [0 if low < 0 < high else min(abs(low), abs(high)) for low, high in bounds]
        greatest = [max(abs(low), abs(high)) for low, high in bounds]
        if math.hypot(*least) <= 1 <= math.hypot(*greatest):
            written.append(text)
    return tokenizer.from_strings(written)


def all_sequences(tokenizer: TinyTokenizer) -> torch.Tensor:
    """All that a network can write (N, length): symbols up to END, padding or the full length."""
    symbols = range(len(tokenizer.vocabulary))
    over = (tokenizer.end, tokenizer.pad)
    written, finished = [[tokenizer.start]], []
    while written:
        longer = [[*row, symbol] for row in written for symbol in symbols]
        is_finished = [row[-1] in over or len(row) == tokenizer.length for row in longer]
        finished += [row for row, ends in zip(longer, is_finished, strict=True) if ends]
        written = [row for row, ends in zip(longer, is_finished, strict=True) if not ends]
    rows = [row + [tokenizer.pad] * (tokenizer.length - len(row)) for row in finished]
    return torch.tensor(rows)


def _all_numbers(tokenizer: TinyTokenizer):
    """Every text of four numbers, and which these are."""
    texts = tokenizer.numbers.texts
    for numbers in itertools.product(range(len(texts)), repeat=4):
        yield tokenizer.numbers.separator.join(texts[i] for i in numbers), numbers
