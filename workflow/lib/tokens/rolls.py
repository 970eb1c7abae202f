"""What a network has to write for a signal in each of its rolls."""

import torch
from torch import Tensor

from workflow.lib.orientation import azimuth_rotation, multiply, to_fundamental_zone
from workflow.lib.signals.rolls import AZIMUTHS
from workflow.lib.tokens.tokenizer import Tokenizer


def encode_all_rolls(orientation: Tensor, tokenizer: Tokenizer) -> Tensor:
    """What SequenceNet has to write for each signal in each azimuth roll.

    orientation (n, 4) of the unrolled signals → tokens (n, 72, length), uint8: of
    Rz(5° k) g, the symmetry-equivalent nearest the identity.
    """
    tokens = torch.empty(len(orientation), AZIMUTHS, tokenizer.length, dtype=torch.uint8)
    for k in range(AZIMUTHS):
        turned = multiply(azimuth_rotation(k), orientation)
        tokens[:, k] = tokenizer.encode(to_fundamental_zone(turned))
    return tokens
