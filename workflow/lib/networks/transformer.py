"""A transformer that writes. Letters: n signals, t and s sequence positions, w width, h heads,
d = w / h.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from workflow.lib.networks.writer import Stepper, Writer
from workflow.lib.runtime.files import InputError
from workflow.lib.tokens import Tokenizer

EMBEDDING_SD = 0.1  # of symbols and positions at first; at nn.Embedding's 1 the code would be lost


class TransformerNet(Writer):
    """SequenceNet's encoder, whose code conditions a causal transformer (Vaswani et al. 2017).

    layers: of self-attention with so many heads and of two dense layers, each after a layer norm
    (pre-norm: Xiong et al. 2020). Positions are learnt. The code comes first, as a prefix that all
    symbols can attend to: it is added to START, which is the same in all sequences, and takes no
    position of its own. dropout: before the output layer alone, as in SequenceNet. encoder: see
    `networks.encoders`. Raises InputError for a width that heads can't share.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        layers: int = 2,
        heads: int = 4,
        width: int = 128,
        dropout: float = 0.1,
        encoder: Literal["published", "equivariant"] = "published",
    ) -> None:
        if width % heads:
            raise InputError(
                f"architecture key width: found {width}, expected a multiple of heads, "
                f"which is {heads}"
            )

        def decoder() -> nn.Module:
            return Decoder(tokenizer.length, layers, heads, width)

        roll_embedding, body = False, "deep"
        super().__init__(tokenizer, decoder, width, dropout, roll_embedding, encoder, body)
        nn.init.normal_(self.token_embedding.weight, std=EMBEDDING_SD)

    def stepper(self, code: Tensor, of_each: int = 1) -> Stepper:
        return _Remembering(self, code)

    def _hidden(self, code: Tensor, tokens: Tensor) -> Tensor:
        first, others = self.token_embedding(tokens).split((1, tokens.shape[1] - 1), 1)
        return self.decoder(torch.cat((first + code[:, None], others), 1))


class _Memory:
    """A block's keys and values of the symbols so far."""

    def __init__(self) -> None:
        self.length = 0
        self._kept: Tensor | None = None  # (2, n, h, length, d)

    def extended(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Those of all symbols (n, h, s, d), once the newest (n, h, t, d) are kept too."""
        newest = torch.stack((key, value))
        self._kept = newest if self._kept is None else torch.cat((self._kept, newest), 3)
        self.length = self._kept.shape[3]
        return self._kept[0], self._kept[1]

    def select(self, rows: Tensor) -> None:
        """As `Stepper.select`."""
        if self._kept is not None:
            self._kept = self._kept.index_select(1, rows)


class Block(nn.Module):
    """Self-attention, then two dense layers, the inner one twice as wide; each adds to x."""

    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        # Not one layer for all three: each is a matrix of its own to `training.muon`
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width)
        self.dense = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width), nn.ReLU(),
            nn.Linear(2 * width, width),
        )  # fmt: skip

    def forward(self, x: Tensor, memory: _Memory | None = None) -> Tensor:
        """(n, t, w) of x (n, t, w). Given a memory, x goes on with what it holds, and joins it."""
        normed = self.norm(x)
        query, key, value = (
            layer(normed).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (n, h, t, d)
            for layer in (self.query, self.key, self.value)
        )
        if memory is not None:
            key, value = memory.extended(key, value)
        x = x + self.output(attended(query, key, value).transpose(1, 2).flatten(2))
        return x + self.dense(x)


class Decoder(nn.Module):
    """Blocks, one after the other, from embeddings to what the output layer reads."""

    def __init__(self, positions: int, layers: int, heads: int, width: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(EMBEDDING_SD * torch.randn(positions, width))
        self.blocks = nn.ModuleList(Block(heads, width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, memories: Sequence[_Memory] = ()) -> Tensor:
        """(n, t, w) of embeddings x (n, t, w), after those in the memories, one of each block."""
        before = memories[0].length if memories else 0
        x = x + self.positions[before : before + x.shape[1]]
        for block, memory in zip(self.blocks, memories or [None] * len(self.blocks), strict=True):
            x = block(x, memory)
        return self.norm(x)


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """What queries (n, h, t, d) find in values (n, h, s, d), of which theirs are the last t.

    By scaled dot products with keys (n, h, s, d) (Vaswani et al. 2017, Eq. 1); none finds what
    comes after its own.
    """
    t, s = query.shape[2], key.shape[2]
    scores = query / math.sqrt(query.shape[3]) @ key.mT
    if t > 1:
        later = torch.ones(t, s, dtype=torch.bool, device=scores.device).triu(s - t + 1)
        scores = scores.masked_fill(later, -math.inf)
    return scores.softmax(-1) @ value


class _Remembering:
    """A `Stepper` that computes each symbol's keys and values once."""

    def __init__(self, network: TransformerNet, code: Tensor) -> None:
        self._network, self._code = network, code
        self._memories = [_Memory() for _ in network.decoder.blocks]

    def advance(self, token: Tensor) -> Tensor:
        embedded = self._network.token_embedding(token)
        if self._memories[0].length == 0:
            embedded = embedded + self._code
        return self._network.decoder(embedded[:, None], self._memories)[:, 0]

    def select(self, rows: Tensor) -> None:
        self._code = self._code.index_select(0, rows)
        for memory in self._memories:
            memory.select(rows)
