"""Quaternions as sequences of symbols, the way SequenceNet writes them."""

from workflow.lib.tokens.decimal import DecimalTokenizer
from workflow.lib.tokens.digit import DigitTokenizer
from workflow.lib.tokens.rolls import encode_all_rolls
from workflow.lib.tokens.tokenizer import Tokenizer

__all__ = ["TOKENIZERS", "DecimalTokenizer", "DigitTokenizer", "Tokenizer", "encode_all_rolls"]

TOKENIZERS = {"digit": DigitTokenizer, "decimal": DecimalTokenizer}
