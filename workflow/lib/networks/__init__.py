"""The networks that answer: EulerNet and SequenceNet, and what they are made of."""

from workflow.lib.networks.sequencenet import EulerNet, SequenceNet, count_parameters

__all__ = ["EulerNet", "SequenceNet", "count_parameters"]
