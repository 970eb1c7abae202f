"""What a writer writes, as `Writer.write` does, and how probable that was to it.

The probability is gathered while the symbols are chosen, so that it costs no second pass. It is
that of the whole sequence, END included, as `decoding.score` gives it without constraints.
"""

import torch
from torch import Tensor

from workflow.lib.networks.writer import Writer


@torch.inference_mode()
def write_with_probability(network: Writer, code: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens (n, length) of codes (n, w), and natural logs (n,) of their probabilities, float32.

    Each symbol is the most probable one after those before it; what follows END is padding, and
    counts nothing.
    """
    end, pad = network.tokenizer.end, network.tokenizer.pad
    token = torch.full((len(code),), network.tokenizer.start, device=code.device)
    written, log_probability = [token], torch.zeros(len(code), device=code.device)
    stepper = network.stepper(code)
    for _ in range(network.tokenizer.length - 1):
        ended = (token == end) | (token == pad)
        logits = network.logits(stepper.advance(token))
        highest, choice = logits.max(-1)
        log_probability += torch.where(ended, 0, highest - logits.logsumexp(-1))
        token = torch.where(ended, pad, choice)
        written.append(token)
    return torch.stack(written, 1), log_probability
