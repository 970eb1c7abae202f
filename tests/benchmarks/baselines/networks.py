"""Both published networks from PyTorch's blocks. Letters: n signals, t sequence positions.

Nothing here calls the library, so that no baseline becomes faster when the library does.
"""

import numpy as np
import torch
from torch import Tensor, nn

ROLLS = 72
START, END, PAD, LENGTH = 10, 11, 12, 14  # of the digit sequences; 0–9 are the digits


class PlainSequenceNet(nn.Module):
    """SequenceNet as published, from PyTorch's blocks."""

    def __init__(self, width: int = 128, layers: int = 4) -> None:
        super().__init__()
        self.layers = layers
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(576, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, width),
        )  # fmt: skip
        self.roll_embedding = nn.Embedding(ROLLS, width)
        self.token_embedding = nn.Embedding(PAD + 1, width)
        self.decoder = nn.LSTM(width, width, num_layers=layers, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.logits = nn.Linear(width, PAD + 1)

    def state(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoder(signals[:, None] / 255) + self.roll_embedding(rolls)
        state = code.repeat(self.layers, 1, 1)
        return state, state

    def forward(self, signals: Tensor, rolls: Tensor, tokens: Tensor) -> Tensor:
        """Logits (n, t, 13) after each of `tokens` (n, t)."""
        hidden, _ = self.decoder(self.token_embedding(tokens), self.state(signals, rolls))
        return self.logits(self.dropout(hidden))

    @torch.no_grad()
    def generate(self, signals: Tensor, rolls: Tensor) -> Tensor:
        """Greedy sequences (n, 14), symbol by symbol."""
        state = self.state(signals, rolls)
        token = torch.full((len(signals), 1), START, device=signals.device)
        written = [token]
        for _ in range(LENGTH - 1):
            hidden, state = self.decoder(self.token_embedding(token), state)
            ended = (token == END) | (token == PAD)
            token = torch.where(ended, PAD, self.logits(hidden).argmax(-1))
            written.append(token)
        return torch.cat(written, 1)


class PlainEulerNet(nn.Module):
    """EulerNet as released, from PyTorch's blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(1152, 768), nn.ReLU(), nn.Linear(768, 384), nn.ReLU(), nn.Linear(384, 3),
        )  # fmt: skip

    def forward(self, signals: Tensor) -> Tensor:
        """Euler angles (n, 3) in radians."""
        return self.layers(signals[:, None] / 255)


def copy_weights(plain: nn.Module, network: nn.Module) -> None:
    """Give `plain` the weights of the library's `network`: of equal shapes, in their order.

    Raises ValueError where the two have other shapes.
    """
    left = list(network.state_dict().values())
    for name, value in plain.state_dict().items():
        index = next((i for i, other in enumerate(left) if other.shape == value.shape), None)
        if index is None:
            raise ValueError(f"the library's network has nothing like {name}, {value.shape}")
        value.copy_(left.pop(index))
    if left:
        raise ValueError(f"the library's network has {len(left)} weights more")


def multiplications(network: nn.Module, *inputs: Tensor) -> int:
    """Multiply-adds of one signal's forward pass, counted on the layers as it runs."""
    total = 0

    def count(module: nn.Module, _, output) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += output[0].numel() * module.in_features
        elif isinstance(module, nn.LSTM):
            weights = sum(p.numel() for name, p in module.named_parameters() if "weight" in name)
            total += weights * output[0].shape[1]

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    network(*inputs)
    for hook in hooks:
        hook.remove()
    return total


def standardised(signals: np.ndarray) -> np.ndarray:
    """Signals (…, 6, 72) with mean 128 and standard deviation 64, clipped to 0–255."""
    signals = signals.astype(np.float32)
    mean, sd = (f(signals, axis=(-2, -1), keepdims=True) for f in (np.mean, np.std))
    return np.clip(128 + 64 * (signals - mean) / np.maximum(sd, 1e-6), 0, 255)
