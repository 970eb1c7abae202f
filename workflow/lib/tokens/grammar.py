"""Which symbols may follow a prefix, so that a unit quaternion can still be written.

A number that is written stands for all components that are rounded to it, an interval; a number
half written for the interval of all its completions; one that has not begun for −1 to 1. A prefix
can be completed if the box of its four intervals holds a unit quaternion, that is, if the sum of
the least squares is at most 1 and that of the greatest at least 1. This is exact: a box half
written is the union of the boxes of its completions, so that one of them holds the quaternion.
There is no dead end, and a sequence can be written if and only if `encode` writes it of some
unit quaternion.

Squares are integers here, in units in which the edges of the intervals are whole numbers. The
sums of two boxes differ by 2.5e-7 at least, which is what a quaternion's norm may be off.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_NEVER = 1 << 30  # larger than any sum of squares


@dataclass(frozen=True)
class Numbers:
    """How a tokenizer writes one component.

    texts: all numbers there are, ascending. edges: ascending, one more than texts: components
    between edges i and i + 1 are written as text i; −scale is the first, scale the last.
    separator: what stands between two numbers.
    """

    texts: Sequence[str]
    edges: Sequence[int]
    scale: int
    separator: str

    def bounds(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds, float64, of what is written as components (...) are."""
        edges = torch.tensor(self.edges, dtype=torch.float64, device=q.device) / self.scale
        number = torch.bucketize(q.double(), edges[1:-1])
        return edges[number], edges[number + 1]

    def squares(self, first: int, last: int) -> tuple[int, int]:
        """Least and greatest square within the numbers `first` to `last`."""
        low, high = self.edges[first], self.edges[last + 1]
        least = 0 if low <= 0 <= high else min(low * low, high * high)
        return least, max(low * low, high * high)


@dataclass(frozen=True)
class Symbols:
    """The ids of a vocabulary: by character, and those of START, END and padding."""

    of: dict[str, int]
    start: int
    end: int
    pad: int

    def __len__(self) -> int:
        return len(self.of) + 3


@dataclass(frozen=True)
class Grammar:
    """An automaton over prefixes. Letters: s states, v symbols.

    after: int64 (s, v), the state that follows. least, greatest: int32 (s, v), squares within the
    interval of the number that is being written, with the symbol; where the symbol can't follow,
    least is `_NEVER`. spent, gained: int32 (s,), the same of a number that ends here, 0 elsewhere.
    ends: int64 (s,), 1 where a number ends. first: int64 (5,), the state in which the next number
    begins after 0 to 4 of them. one: the square of 1.
    """

    after: Tensor
    least: Tensor
    greatest: Tensor
    spent: Tensor
    gained: Tensor
    ends: Tensor
    first: Tensor
    one: int

    def to(self, device: torch.device) -> "Grammar":
        moved = {name: getattr(self, name).to(device) for name in _TABLES}
        return Grammar(**moved, one=self.one)


_TABLES = ("after", "least", "greatest", "spent", "gained", "ends", "first")
_DEAD, _BEFORE, _ENDED = range(3)  # states of all grammars


class Prefixes:
    """What n sequences may go on with; empty at first, so that START follows."""

    def __init__(self, grammar: Grammar, n: int) -> None:
        self._grammar = grammar
        device = grammar.after.device
        self._state = torch.full((n,), _BEFORE, device=device)
        self._numbers = torch.zeros_like(self._state)  # that are complete
        # what the number at hand may add to the least squares, and must to the greatest ones
        self._room = torch.full((n,), grammar.one, dtype=torch.int32, device=device)
        self._need = torch.full_like(self._room, -2 * grammar.one)

    def allowed(self) -> Tensor:
        """Whether each symbol may follow, (n, v) bool; nowhere after one that might not."""
        least = self._grammar.least.index_select(0, self._state)
        greatest = self._grammar.greatest.index_select(0, self._state)
        return (least <= self._room[:, None]).logical_and_(greatest >= self._need[:, None])

    def follow(self, symbols: Tensor) -> None:
        """Add a symbol (n,) to each."""
        grammar = self._grammar
        state = grammar.after[self._state, symbols]
        ends = grammar.ends[state]
        self._numbers = self._numbers + ends
        self._room = self._room - grammar.spent[state]
        self._need = self._need - grammar.gained[state] + ends.int() * grammar.one
        self._state = torch.where(ends == 1, grammar.first[self._numbers], state)

    def select(self, rows: Tensor) -> None:
        """Go on with these rows (m,), in this order; they may be repeated or left out."""
        self._state, self._numbers = self._state[rows], self._numbers[rows]
        self._room, self._need = self._room[rows], self._need[rows]


def unit_quaternions(numbers: Numbers, symbols: Symbols) -> Grammar:
    """The grammar of sequences that are written of unit quaternions."""
    between = _paths(numbers, symbols, [symbols.of[c] for c in numbers.separator])
    tree = _Tree(len(symbols))
    inner = tree.grow(numbers, between)
    last = tree.grow(numbers, _paths(numbers, symbols, [symbols.end]))
    tree.link(_BEFORE, symbols.start, inner, (0, _NEVER))
    tree.link(_ENDED, symbols.pad, _ENDED, (0, _NEVER))
    return tree.grammar([inner, inner, inner, last, _ENDED], numbers.scale**2)


def anything(symbols: Symbols) -> Grammar:
    """The grammar of all that a network may write: any symbols up to END or padding."""
    tree = _Tree(len(symbols))
    going_on = tree.new_state()
    tree.link(_BEFORE, symbols.start, going_on, (0, _NEVER))
    for symbol in range(len(symbols)):
        is_over = symbol in (symbols.end, symbols.pad)
        tree.link(going_on, symbol, _ENDED if is_over else going_on, (0, _NEVER))
    tree.link(_ENDED, symbols.pad, _ENDED, (0, _NEVER))
    return tree.grammar([going_on] * 5, 0)


class _Tree:
    """A grammar while it is made: rows of its tables as lists."""

    def __init__(self, symbols: int) -> None:
        self._symbols = symbols
        self._after: list[list[int]] = []
        self._squares: list[list[tuple[int, int]]] = []
        self._ends: dict[int, tuple[int, int]] = {}
        for _ in (_DEAD, _BEFORE, _ENDED):
            self.new_state()

    def new_state(self) -> int:
        self._after.append([_DEAD] * self._symbols)
        self._squares.append([(_NEVER, 0)] * self._symbols)
        return len(self._after) - 1

    def link(self, state: int, symbol: int, then: int, squares: tuple[int, int]) -> None:
        self._after[state][symbol], self._squares[state][symbol] = then, squares

    def grow(self, numbers: Numbers, paths: list[list[int]]) -> int:
        """Add the states of one number, written by the paths; returns the one it begins in."""
        root = self.new_state()
        within: dict[tuple[int, int], tuple[int, int]] = {}  # the numbers of each link
        for i, path in enumerate(paths):
            state = root
            for symbol in path:
                if self._after[state][symbol] == _DEAD:
                    self._after[state][symbol] = self.new_state()
                one, _ = within.get((state, symbol), (i, i))
                within[state, symbol] = (one, i)
                state = self._after[state][symbol]
            self._ends[state] = numbers.squares(i, i)
        for (state, symbol), (one, other) in within.items():
            self._squares[state][symbol] = numbers.squares(one, other)
        return root

    def grammar(self, first: list[int], one: int) -> Grammar:
        squares = torch.tensor(self._squares, dtype=torch.int32)
        ended = torch.zeros(len(self._after), 2, dtype=torch.int32)
        ends = torch.zeros(len(self._after), dtype=torch.int64)
        if self._ends:
            states = torch.tensor(list(self._ends))
            ends[states], ended[states] = 1, torch.tensor(list(self._ends.values())).int()
        return Grammar(
            after=torch.tensor(self._after),
            least=squares[..., 0].contiguous(),
            greatest=squares[..., 1].contiguous(),
            spent=ended[:, 0].contiguous(),
            gained=ended[:, 1].contiguous(),
            ends=ends,
            first=torch.tensor(first),
            one=one,
        )


def _paths(numbers: Numbers, symbols: Symbols, then: list[int]) -> list[list[int]]:
    return [[symbols.of[character] for character in text] + then for text in numbers.texts]
