"""Settings of all tests: hypothesis draws the same examples everywhere, without time limits."""

import os
from pathlib import Path

import torch
from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

torch.set_num_threads(1)  # tests run side by side

# orix keeps what it has compiled. Two processes that do so at the same time in the same place have
# ended in a segmentation fault.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache/numba" / WORKER)
