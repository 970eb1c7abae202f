"""Settings of all tests: hypothesis draws the same examples everywhere, without time limits."""

import torch
from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

torch.set_num_threads(1)  # tests run side by side
