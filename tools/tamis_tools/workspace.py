"""All that one connection needs, as one value; a process may hold many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamis_engine.protocol import Engine
    from tamis_tools.handles import HandleStore
    from tamis_tools.scope import Scope
    from tamis_tools.stages import Stage


@dataclass(frozen=True, slots=True)
class Workspace:
    """What may be read, what computes, and where originals are kept; stages of choosing that are left out."""

    scope: Scope
    engine: Engine
    handles: HandleStore
    without: frozenset[Stage] = frozenset()
