"""A regression of a tensor that is the same for all equivalent orientations."""

from torch import Tensor

from workflow.lib.models.regression import RegressionTask
from workflow.lib.orientation.harmonics import cubic_embedding, nearest_orientation


class TensorTask(RegressionTask):
    """The nine numbers of `orientation.harmonics`, and the orientation nearest to them.

    The loss is the squared distance between what is said and the embedding of the orientation. Its
    least expectation is at the mean of the embeddings, which exists whatever is possible, unlike a
    mean of angles or quaternions (Hielscher & Lippert, J. Multivariate Anal. 185, 2021).
    """

    outputs = 9

    def losses(self, numbers: Tensor, orientation: Tensor) -> Tensor:
        return (numbers - cubic_embedding(orientation)).square().sum(-1)

    def read(self, numbers: Tensor) -> Tensor:
        return nearest_orientation(numbers)
