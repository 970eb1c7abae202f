"""The median filter of orientation maps, which calms noise and keeps edges.

Each pixel takes the orientation of the one among its neighbours whose misorientations to all the
others are least in sum: the vector median of Astola et al. (1990), as in MTEX's `medianFilter`.
So it makes no orientation that no pixel has, and at a boundary it takes one side's.
"""

import numpy as np
import torch

from workflow.lib.orientation import medoid


def median_filtered(orientation: np.ndarray, is_indexed: np.ndarray, window_px: int) -> np.ndarray:
    """Orientations (ny, nx, 4) filtered by a square window; float32, NaN where not indexed.

    window_px: its side, odd; 1 changes nothing. Pixels that are not indexed or outside the map
    have no vote. Memory: 16 · window_px² bytes a pixel and a little more.
    """
    if window_px % 2 == 0:
        raise ValueError(f"a window of {window_px} pixels has no middle")
    known = np.where(is_indexed[..., None], orientation, np.nan).astype(np.float32)
    if window_px == 1:
        return known
    margin = window_px // 2
    around = np.pad(known, ((margin, margin), (margin, margin), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(around, (window_px, window_px), (0, 1))
    members = torch.as_tensor(np.moveaxis(windows[is_indexed].reshape(-1, 4, window_px**2), 1, 2))
    valid = members.isfinite().all(-1)
    known[is_indexed] = medoid(members.contiguous(), valid).numpy()
    return known
