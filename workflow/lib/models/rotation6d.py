"""A regression of six numbers that Gram and Schmidt's method makes a rotation matrix of.

Zhou et al., On the continuity of rotation representations in neural networks, CVPR 2019: a network
can learn two columns of the matrix as a continuous function of the rotation, which it can't
learn angles or a quaternion as.
"""

import torch
from torch import Tensor
from torch.nn import functional

from workflow.lib.models.regression import RegressionTask
from workflow.lib.orientation import canonical_sign, disorientation_loss

SHORTEST = 1e-6  # two vectors, or what the second has beside the first, that still have a direction


class Rotation6DTask(RegressionTask):
    """Two columns of the rotation matrix, with Eq. 3 for a loss."""

    outputs = 6

    def losses(self, numbers: Tensor, orientation: Tensor) -> Tensor:
        return disorientation_loss(quaternion_of(matrix_of(numbers)), orientation)

    def read(self, numbers: Tensor) -> Tensor:
        matrix = matrix_of(numbers.double())
        rotates = matrix.square().sum((-2, -1), keepdim=True)[..., 0] > 2.5  # of its three columns
        return torch.where(rotates, canonical_sign(quaternion_of(matrix)), torch.nan)


def matrix_of(numbers: Tensor) -> Tensor:
    """Rotation matrices (…, 3, 3) of six numbers each, (…, 6) (Zhou et al. 2019, Eq. 15).

    The first three point where the first column does, the others towards the second. Where they
    are (nearly) parallel or 0, columns are too short, and the gradient still finite.
    """
    towards_x, towards_y = numbers.unflatten(-1, (2, 3)).unbind(-2)
    x = functional.normalize(towards_x, dim=-1, eps=SHORTEST)
    beside = towards_y - (x * towards_y).sum(-1, keepdim=True) * x
    y = functional.normalize(beside, dim=-1, eps=SHORTEST)
    return torch.stack((x, y, torch.linalg.cross(x, y)), -1)


def quaternion_of(matrix: Tensor) -> Tensor:
    """Unit quaternions (…, 4), of either sign, of rotation matrices (…, 3, 3); differentiable.

    4 q qᵀ is linear in the matrix. Of its rows, each 4 q_i q, the one with the largest q_i² is
    normalised: it is at least 2 long, so that the gradient is finite, of half turns too.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (row.unbind(-1) for row in matrix.unbind(-2))
    rows = (
        (1 + xx + yy + zz, zy - yz, xz - zx, yx - xy),
        (zy - yz, 1 + xx - yy - zz, xy + yx, xz + zx),
        (xz - zx, xy + yx, 1 - xx + yy - zz, yz + zy),
        (yx - xy, xz + zx, yz + zy, 1 - xx - yy + zz),
    )
    table = torch.stack([torch.stack(row, -1) for row in rows], -2)
    largest = table.detach().diagonal(dim1=-2, dim2=-1).argmax(-1)
    index = largest[..., None, None].expand(*largest.shape, 1, 4)
    return functional.normalize(table.gather(-2, index)[..., 0, :], dim=-1)
