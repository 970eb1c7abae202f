"""How alike signals are: their normalised correlation, without torch."""

import numpy as np

BLOCK_PAIRS = 8_000_000  # correlations held at once: 32 MB


def standardised(signals: np.ndarray) -> np.ndarray:
    """Signals (n, 6, 72) as rows (n, 432) of mean 0 and norm 1, float32; constant ones as 0."""
    rows = signals.reshape(len(signals), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 0)


def highest_correlation(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The highest correlation of each row (n, 432) with one of `others` (m, 432): (n,).

    Both standardised; −∞ when there are no others.
    """
    step = max(1, BLOCK_PAIRS // max(1, len(others)))
    blocks = [rows[start : start + step] @ others.T for start in range(0, len(rows), step)]
    return np.concatenate([block.max(axis=1, initial=-np.inf) for block in blocks])
