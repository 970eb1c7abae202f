"""In which arithmetic a network learns: float32, or bfloat16 where the device is fast in it.

Weights, optimiser, losses and all predictions stay in float32; only the products inside
the network are rounded.
"""

from contextlib import AbstractContextManager, nullcontext

import torch

from workflow.lib.runtime.script import logger


def usable_precision(name: str, device: torch.device) -> str:
    """`name`, or float32 (and a line in the log) where bfloat16 would be emulated and slow."""
    if name == "bfloat16" and not _computes_bfloat16(device):
        logger.info("this device does not compute in bfloat16: float32 is used")
        return "float32"
    return name


def arithmetic(name: str, device: torch.device) -> AbstractContextManager:
    """What a forward pass is wrapped in, so that its products are computed in `name`."""
    if name == "float32":
        return nullcontext()
    return torch.autocast(device.type, getattr(torch, name))


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
