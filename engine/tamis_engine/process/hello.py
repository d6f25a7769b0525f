"""The first words between a client and a shared engine: the same version, and each knows the key.

The key itself never travels, so whoever listens at a port that a killed engine left behind learns nothing.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any

MAX_BYTES = 4096
"""Of the first frame: nobody is known yet."""


def words(key: str, name: str) -> dict[str, str]:
    """What the client says."""
    nonce = secrets.token_hex(16)
    return {"name": name, "nonce": nonce, "proof": _proof(key, "client", nonce)}


def refusal(key: str, name: str, said: Mapping[str, Any]) -> str:
    """Why the engine does not talk to whoever `said` that; empty where it does. Raises `KeyError`, `TypeError`."""
    if said["name"] != name:
        return f"The engine here is {name}, not {said['name']}: another version of Tamis, or another machine"
    known = hmac.compare_digest(said["proof"], _proof(key, "client", said["nonce"]))
    return "" if known else "The engine was called with a wrong key"


def answer(key: str, said: Mapping[str, Any], pid: int) -> dict[str, Any]:
    """What the engine says."""
    return {"pid": pid, "proof": _proof(key, "engine", said["nonce"])}


def genuine(key: str, said: Mapping[str, str], answered: Mapping[str, Any]) -> bool:
    """Whether that was the engine and not just somebody at its port."""
    return hmac.compare_digest(str(answered["proof"]), _proof(key, "engine", said["nonce"]))


def _proof(key: str, side: str, nonce: str) -> str:
    return hmac.digest(key.encode(), f"{side} {nonce}".encode(), "sha256").hex()
