"""Whether a GPU that the config asks for is there: asked before the first job, not by the tenth.

Nothing but the standard library is needed here, because Snakemake may run without PyTorch.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.surroundings import this_python

KEYS = ("device", "prediction_device")
DRIVERS = [Path(p) for p in ("/proc/driver/nvidia/version", "/dev/kfd", "/dev/dxg")]  # AMD, WSL
ASK_TORCH = "import torch; print(torch.__version__, torch.version.cuda, torch.cuda.is_available())"


def check_gpu(config: Mapping[str, object], own_environments: bool) -> None:
    """Raise InputError if a key asks for `cuda` and no job on this machine can have it.

    own_environments: rules run in environments of their own, so that this Python's PyTorch says
    nothing about theirs.
    """
    keys = [key for key in KEYS if config[key] == "cuda"]
    if not keys:
        return
    has_torch = importlib.util.find_spec("torch") is not None and not own_environments
    reason = why_torch_has_none() if has_torch else why_no_gpu()
    if reason is not None:
        raise no_gpu(f"config key {keys[0]}: found 'cuda'", reason)


def no_gpu(found: str, reason: str) -> InputError:
    """The line for a GPU that is asked for and not there."""
    return InputError(
        f"{found}, but {reason}: set it to auto or cpu, or run where PyTorch can use a GPU"
    )


def why_no_gpu() -> str | None:
    """Why this machine offers this process no GPU, as far as the system tells; else None."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return f"CUDA_VISIBLE_DEVICES={visible!r} hides all GPUs"
    if sys.platform == "linux" and not any(driver.exists() for driver in DRIVERS):
        return "no GPU is visible (there is no driver of one)"
    return None


def why_torch_has_none() -> str | None:
    """Why this Python's PyTorch has no GPU; None if it has one, or does not answer."""
    answer = subprocess.run(
        [this_python(), "-c", ASK_TORCH], capture_output=True, text=True, check=False
    ).stdout.split()
    if len(answer) != 3:  # a broken PyTorch: its own message will tell more
        return None
    version, cuda, available = answer
    if available == "True":
        return None
    if cuda == "None":
        return f"PyTorch {version} is built without CUDA"
    return f"PyTorch {version} can use none: {why_no_gpu() or 'it finds no GPU'}"
