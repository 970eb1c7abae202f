"""Quaternions as sequences of symbols, the way SequenceNet writes them."""

from workflow.lib.tokens.tokenizer import (
    TOKENIZERS,
    DecimalTokenizer,
    DigitTokenizer,
    Tokenizer,
    encode_all_rolls,
)

__all__ = ["TOKENIZERS", "DecimalTokenizer", "DigitTokenizer", "Tokenizer", "encode_all_rolls"]
