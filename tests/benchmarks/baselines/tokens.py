"""Both tokenizers as loops over quaternions, each written as text and read symbol by symbol."""

from collections.abc import Sequence

START, END, PAD = "<start>", "<end>", "<pad>"
DIGITS = [*"0123456789", START, END, PAD]
DECIMALS = [*"0123456789-.,", START, END, PAD]
DIGIT_IDS = {symbol: i for i, symbol in enumerate(DIGITS)}
DECIMAL_IDS = {symbol: i for i, symbol in enumerate(DECIMALS)}
SHORTEST_NORM = 1e-6


def encode_digits(quaternions: Sequence[Sequence[float]]) -> list[list[int]]:
    """12 digits each: three for every component."""
    rows = []
    for q in quaternions:
        text = "".join(f"{min(max(round((c + 1) * 500), 0), 999):03d}" for c in q)
        rows.append(_ids(text, DIGIT_IDS, 14))
    return rows


def encode_decimals(quaternions: Sequence[Sequence[float]]) -> list[list[int]]:
    """Like "0.123,-0.679,0.111,-0.321", padded to 29 symbols."""
    rows = []
    for q in quaternions:
        text = ",".join(f"{round(c * 1000) / 1000:.3f}" for c in q)
        rows.append(_ids(text, DECIMAL_IDS, 29))
    return rows


def decode_digits(rows: Sequence[Sequence[int]]) -> list[list[float]]:
    """Unit quaternions; ValueError for what is not a sequence of digits."""
    quaternions = []
    for row in rows:
        text = _text(row, DIGITS)
        quaternions.append(_unit([int(text[i : i + 3]) / 500 - 1 for i in range(0, 12, 3)]))
    return quaternions


def decode_decimals(rows: Sequence[Sequence[int]]) -> list[list[float]]:
    """Unit quaternions; ValueError for what is not four numbers."""
    return [_unit([float(number) for number in _text(row, DECIMALS).split(",")]) for row in rows]


def _ids(text: str, ids: dict[str, int], length: int) -> list[int]:
    symbols = [START, *text, END]
    symbols += [PAD] * (length - len(symbols))
    return [ids[symbol] for symbol in symbols]


def _text(row: Sequence[int], vocabulary: list[str]) -> str:
    symbols = [vocabulary[i] for i in row]
    return "".join(symbols[1 : symbols.index(END)])


def _unit(components: list[float]) -> list[float]:
    norm = sum(c * c for c in components) ** 0.5
    if len(components) != 4 or norm < SHORTEST_NORM:
        raise ValueError(f"{components} is no orientation")
    return [c / norm for c in components]
