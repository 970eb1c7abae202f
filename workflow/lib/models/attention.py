"""SequenceNet with attention to the azimuth (Luong et al. 2015), learnt and read as SequenceNet."""

from workflow.lib.models.sequence import SequenceTask
from workflow.lib.networks.attention import AttentionNet


class AttentionTask(SequenceTask):
    """As `SequenceTask`, of an `AttentionNet`."""

    writer = AttentionNet
