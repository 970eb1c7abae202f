"""Rule `tokenize`: in, a fold's orientations; out, what a network has to write for each roll.

The name is not the rule's, because `tokenize` is a module of Python's standard library.
"""

from pathlib import Path

import torch

from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.split import read_fold
from workflow.lib.inference.predictions import write_arrays
from workflow.lib.runtime.script import logger, run
from workflow.lib.tokens import TOKENIZERS, encode_all_rolls


def main(fold: Path, tokens: Path, tokenizer: str) -> None:
    """Write `tokens`, uint8 (n, 72, length), of the fold's training signals."""
    orientation = torch.from_numpy(read_fold(fold, ["train"])["train"].orientation)
    encoded = encode_all_rolls(orientation, TOKENIZERS[tokenizer]())
    attributes = read_attributes(fold) | {"tokenizer": tokenizer}
    write_arrays(tokens, {"tokens": encoded.numpy()}, attributes)
    logger.info("%s: %d signals × %d rolls × %d tokens", tokenizer, *encoded.shape)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        tokens=Path(snakemake.output.tokens),
        tokenizer=snakemake.wildcards.tokenizer,
    )
