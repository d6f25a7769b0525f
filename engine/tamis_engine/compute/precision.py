"""Which numbers a device computes fastest with, without loss that anybody would see."""

from __future__ import annotations

from collections.abc import Mapping

import torch


def fastest_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it; else float16 on an accelerator, float32 on a CPU."""
    if device.type == "cpu":
        return torch.bfloat16 if has_native_bfloat16() else torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16


def has_native_bfloat16() -> bool:
    """True where the processor multiplies bfloat16 itself; where it does not, bfloat16 is many times slower.

    torch before 2.12 does not tell, so float32 it is; so does a build without oneDNN, which has no kernels
    for it.
    """
    tell = getattr(torch.cpu, "get_capabilities", None)
    flags: Mapping[str, object] = tell() if tell and torch.backends.mkldnn.is_available() else {}
    return any(flags.get(flag) for flag in ("avx512_bf16", "amx_bf16", "bf16"))
