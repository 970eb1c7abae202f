"""Straightforward training: items made one by one in a `DataLoader`'s workers, float32, Adam."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from tests.benchmarks.baselines.networks import ROLLS, standardised

STEP_RAD = 2 * np.pi / ROLLS
SYMBOL_WEIGHTS = torch.tensor([2.0, 1.0, 0.5] * 4 + [1.0])
WORKERS = 4
OPERATORS = Rotation.create_group("O").as_matrix()  # the 24 of the cube


class SequenceItems(Dataset):
    """Every signal in every roll, with its tokens; both arrays (n, …) come by index."""

    def __init__(self, signals: np.ndarray, tokens: np.ndarray) -> None:
        self.signals, self.tokens = signals, tokens

    def __len__(self) -> int:
        return len(self.signals) * ROLLS

    def __getitem__(self, index: int) -> tuple[np.ndarray, int, np.ndarray]:
        n, k = divmod(index, ROLLS)
        rolled = np.roll(self.signals[n], k, axis=1)
        return standardised(rolled), k, self.tokens[n, k].astype(np.int64)


class EulerItems(Dataset):
    """Every signal in every roll, with a random gain and its Euler angles in radians."""

    def __init__(self, signals: np.ndarray, euler_rad: np.ndarray, gain_sd: float) -> None:
        self.signals, self.euler_rad, self.gain_sd = signals, euler_rad, gain_sd

    def __len__(self) -> int:
        return len(self.signals) * ROLLS

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        n, k = divmod(index, ROLLS)
        gain = 1 + self.gain_sd * torch.randn(()).item()
        rolled = np.clip(np.roll(self.signals[n], k, axis=1).astype(np.float32) * gain, 0, 255)
        turned = self.euler_rad[n] + np.array([k * STEP_RAD, 0, 0])
        return rolled.astype(np.float32), turned.astype(np.float32)


def make_loader(items: Dataset, batch: int) -> DataLoader:
    with warnings.catch_warnings():  # four are usual, also where there are fewer cores
        warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
        return DataLoader(items, batch_size=batch, shuffle=True, num_workers=WORKERS)


def sequence_loss(network: nn.Module, signals: Tensor, rolls: Tensor, tokens: Tensor) -> Tensor:
    """Cross-entropy of the symbols, weighted by their places."""
    logits, wanted = network(signals, rolls, tokens[:, :-1]), tokens[:, 1:]
    losses = nn.functional.cross_entropy(logits.transpose(1, 2), wanted, reduction="none")
    weights = SYMBOL_WEIGHTS.to(losses.device).expand_as(losses)
    return (losses * weights).sum() / weights.sum()


def euler_loss(network: nn.Module, signals: Tensor, euler_rad: Tensor) -> Tensor:
    """Eq. 3 with rotation matrices: √(3 − tr(g1 S g2ᵀ)), the least over the operators S."""
    operators = torch.tensor(OPERATORS, dtype=torch.float32, device=signals.device)
    answer, wanted = (_matrices(angles) for angles in (network(signals), euler_rad))
    traces = torch.einsum("nij,sjk,nik->ns", answer, operators, wanted)
    return (3 - traces.amax(1)).clamp(min=1e-6).sqrt().mean()


def _matrices(zyz_rad: Tensor) -> Tensor:
    (a, b, c), (x, y, z) = zyz_rad.cos().unbind(1), zyz_rad.sin().unbind(1)
    rows = (
        (a * b * c - x * z, -a * b * z - x * c, a * y),
        (x * b * c + a * z, -x * b * z + a * c, x * y),
        (-y * c, y * z, b),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def learn(
    network: nn.Module,
    loss: Callable[..., Tensor],
    batches: Iterator[list[Tensor]],
    optimizer: torch.optim.Optimizer,
    clip_norm: float | None,
    steps: int,
) -> None:
    """Steps of training in float32."""
    device = next(network.parameters()).device
    for _ in range(steps):
        batch = [tensor.to(device) for tensor in next(batches)]
        optimizer.zero_grad()
        loss(network, *batch).backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
        optimizer.step()
