"""What happens to DRM signals on the device before a network sees them.

A signal is 6 elevations by 72 azimuths, 0–255. Letters: n signals.
"""

import torch
from torch import Tensor

ELEVATIONS, AZIMUTHS = 6, 72
FULL_SCALE = 255.0


def roll_azimuth(signals: Tensor, rolls: Tensor) -> Tensor:
    """Roll each signal (n, 6, 72) by its own number of azimuth steps (n,).

    Azimuth j takes the value of azimuth j − k, which is what the specimen turned by
    k · 5° about its normal would show: the orientation becomes Rz(5° k) g.
    """
    azimuths = torch.arange(AZIMUTHS, device=signals.device)
    source = (azimuths - rolls[:, None]) % AZIMUTHS
    return signals.gather(2, source[:, None, :].expand(-1, signals.shape[1], -1))


def random_gain(signals: Tensor, sd: float) -> Tensor:
    """Multiply each signal (n, 6, 72) by a gain from N(1, sd) and clip it to 0–255."""
    gain = 1 + sd * torch.randn(len(signals), 1, 1, device=signals.device)
    return (signals * gain).clamp(0, FULL_SCALE)


def standardise(signals: Tensor) -> Tensor:
    """Bring each signal (n, 6, 72) to mean 128 and standard deviation 64, clipped to 0–255.

    A constant signal becomes 128 everywhere.
    """
    signals = signals.float()
    sd, mean = torch.std_mean(signals, dim=(1, 2), keepdim=True, correction=0)
    return (128 + 64 * (signals - mean) / sd.clamp(min=1e-6)).clamp(0, FULL_SCALE)
