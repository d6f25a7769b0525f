"""BERT on the CPU without torch: a small compiled kernel, used where it was built and fits, never needed.

Whatever it does not serve, or serves worse than it should, is `compute`'s: `serves` says no rather than guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamis_engine.models.spec import Spec
    from tamis_engine.native.model import NativeModel


def available() -> str:
    """Why the kernel can't be used on this machine; empty where it can."""
    from tamis_engine.native.kernel import why_not  # late: numpy

    return why_not()


def serves(spec: Spec) -> bool:
    """Whether `load` would give what the torch path gives, as far as the files' names, shapes and types tell."""
    from tamis_engine.native.model import fits

    return not available() and fits(spec)


def load(spec: Spec, threads: int) -> NativeModel:
    """The model in memory, in int8. Raises `ModelInvalid` where `serves` is false of it."""
    from tamis_engine.native.model import load_model

    return load_model(spec, threads)
