"""The networks that answer: EulerNet and SequenceNet, and what they are made of."""

from workflow.lib.networks.decoding import Sequences, beam, greedy, sample, score
from workflow.lib.networks.eulernet import EulerNet
from workflow.lib.networks.layers import count_parameters
from workflow.lib.networks.sequencenet import SequenceNet

__all__ = [
    "EulerNet",
    "SequenceNet",
    "Sequences",
    "beam",
    "count_parameters",
    "greedy",
    "sample",
    "score",
]
