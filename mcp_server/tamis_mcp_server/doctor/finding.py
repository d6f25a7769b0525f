"""What a check of `tamis doctor` is and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tamis_mcp_server.install import Machine

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `todo` is empty where there is nothing to do."""

    name: str
    status: Status
    detail: str
    todo: str = ""
    engine: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at. `todo` says what helps where looking itself fails."""

    name: str
    run: Callable[[Machine], tuple[Status, str]]
    todo: str
    engine: bool = False

    def look(self, machine: Machine) -> Finding:
        """Run it."""
        status, detail = self.run(machine)
        return Finding(self.name, status, detail, "" if status == "ok" else self.todo, self.engine)
