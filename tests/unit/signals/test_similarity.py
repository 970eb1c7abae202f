"""similarity.py: correlations are NumPy's, in blocks too."""

import numpy as np

from workflow.lib.signals import similarity


def test_highest_correlation_is_numpys(monkeypatch):
    signals = np.random.default_rng(0).integers(0, 256, (30, 6, 72), np.uint8)
    monkeypatch.setattr(similarity, "BLOCK_PAIRS", 60)  # several blocks
    rows = similarity.standardised(signals)
    expected = np.corrcoef(signals.reshape(30, -1))[:10, 10:].max(axis=1)
    np.testing.assert_allclose(
        similarity.highest_correlation(rows[:10], rows[10:]), expected, atol=1e-6
    )
