"""Orientations, cubic symmetry and misorientation, on torch tensors.

The conventions of the whole project are stated here and nowhere else:

- An orientation g takes crystal to specimen coordinates, v_specimen = g v_crystal,
  as an active rotation in a right-handed frame.
- Crystal symmetry acts on the right, g ~ g S; a rotation of the specimen about its
  normal (the azimuth) acts on the left, Rz(φ) g.
- Quaternions are scalar first, (w, x, y, z), of unit norm, with w ≥ 0 where a sign
  has to be chosen (q and −q are the same orientation).
- Euler angles are intrinsic ZYZ in radians: g = Rz(α) Ry(β) Rz(γ). They are not
  Bunge's ZXZ: ZYZ(a, b, c) = ZXZ(a + 90°, b, c − 90°).
- Angles that are reported are in degrees and their names end in `_deg`.

Every function takes tensors of any leading shape, float32 or float64, on any device,
and returns the same dtype and device. Angles come from atan2, never from arccos, whose
error near 0° is 0.04° in float32 and 1e-6° in float64.
"""

from workflow.lib.orientation.clusters import Clusters, cluster
from workflow.lib.orientation.density import kernel_log_density
from workflow.lib.orientation.misorientation import medoid, misorientation_deg
from workflow.lib.orientation.quaternion import (
    azimuth_rotation,
    canonical_sign,
    conjugate,
    from_euler_zyz,
    from_matrix,
    multiply,
    to_euler_zyz,
    to_matrix,
)
from workflow.lib.orientation.symmetry import (
    CUBIC_SYMMETRY,
    MAX_MISORIENTATION_DEG,
    disorientation_loss,
    misorientation_deg_by_operators,
    to_fundamental_zone,
)
from workflow.lib.orientation.weighted import (
    expected_misorientation_deg,
    least_expected,
    symmetric_mean,
)

__all__ = [
    "CUBIC_SYMMETRY",
    "MAX_MISORIENTATION_DEG",
    "Clusters",
    "azimuth_rotation",
    "canonical_sign",
    "cluster",
    "conjugate",
    "disorientation_loss",
    "expected_misorientation_deg",
    "from_euler_zyz",
    "from_matrix",
    "kernel_log_density",
    "least_expected",
    "medoid",
    "misorientation_deg",
    "misorientation_deg_by_operators",
    "multiply",
    "symmetric_mean",
    "to_euler_zyz",
    "to_fundamental_zone",
    "to_matrix",
]
