"""The compiled kernel: found, checked, and called through ctypes, which lets other threads run meanwhile."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int32, c_uint64, c_void_p
from functools import cache
from typing import TYPE_CHECKING

from tamis_engine.native.build import FOLDER, PORTABLE, file_of, fingerprint

if TYPE_CHECKING:
    from pathlib import Path


class Shape(ctypes.Structure):
    """As `bert.cpp` has it."""

    _fields_ = (
        *((name, c_int32) for name in ("vocabulary", "positions", "types", "hidden", "heads", "wide", "layers")),
        ("half", c_int32),
        ("int8", c_int32),
        ("epsilon", c_float),
    )


SIGNATURES = {
    "tamis_sources": (c_char_p, ()),
    "tamis_levels": (c_char_p, ()),
    "tamis_bert_new": (c_void_p, (POINTER(Shape), *[c_void_p] * 5)),
    "tamis_bert_layer": (c_int, (c_void_p, c_void_p)),
    "tamis_bert_bytes": (c_uint64, (c_void_p,)),
    "tamis_bert_states": (c_int, (*[c_void_p] * 4, c_int, c_int, c_void_p)),
    "tamis_bert_free": (None, (c_void_p,)),
    "tamis_rate": (c_double, (*[c_int] * 5, c_double)),
}

BUILD = "run `python -m tamis_engine.native.build`"


class CannotCompute(Exception):
    """The kernel can't be used here; the message says why."""


@cache
def library(level: str, folder: Path = FOLDER) -> ctypes.CDLL:
    """The kernel for one set of instructions, which the processor must have. Raises `CannotCompute`."""
    path = file_of(level, folder)
    if not path.is_file():
        raise CannotCompute(f"none was compiled for {level}: with a C++ compiler at hand, {BUILD}.")
    try:
        found = ctypes.CDLL(str(path))
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise CannotCompute(f"{path.name} can't be loaded ({error}).") from error
    if found.tamis_sources().decode() != fingerprint():
        raise CannotCompute(f"{path.name} was built from other sources: {BUILD}.")
    return found


@cache
def levels(folder: Path = FOLDER) -> tuple[str, ...]:
    """What was built and runs on this processor, the fastest first. Raises `CannotCompute`."""
    supported = library(PORTABLE, folder).tamis_levels().decode().split()
    return tuple(level for level in supported if file_of(level, folder).is_file())


@cache
def best(folder: Path = FOLDER) -> ctypes.CDLL:
    """The fastest kernel. Raises `CannotCompute` where torch would be faster."""
    first = levels(folder)[0]
    if first == PORTABLE:
        raise CannotCompute("this processor has neither AVX2 nor ARM's dot products, or none was compiled for them.")
    return library(first, folder)


def why_not(folder: Path = FOLDER) -> str:
    """Empty where there is a kernel that is worth using."""
    try:
        best(folder)
    except CannotCompute as error:
        return f"No compiled kernel: {error}"
    return ""
