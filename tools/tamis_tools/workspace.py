"""All that one connection needs, as one value; a process may hold many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamis_engine.protocol import Engine
    from tamis_tools.handles import HandleStore
    from tamis_tools.scope import Scope


@dataclass(frozen=True, slots=True)
class Workspace:
    """What may be read, what computes, and where originals are kept."""

    scope: Scope
    engine: Engine
    handles: HandleStore
