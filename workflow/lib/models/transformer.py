"""A transformer in place of SequenceNet's recurrent writer, learnt and read as SequenceNet."""

from workflow.lib.models.sequence import SequenceTask
from workflow.lib.networks.transformer import TransformerNet


class TransformerTask(SequenceTask):
    """As `SequenceTask`, of a `TransformerNet`."""

    writer = TransformerNet
