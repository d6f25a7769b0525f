"""Where a user's files are on this machine: read once and passed on, so that a test can be any machine."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tamis_tools.scope import home_folder

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Machine:
    """`platform` is `sys.platform`; `argv0` is how the running program was called."""

    home: Path
    cwd: Path
    platform: str
    env: Mapping[str, str]
    executable: str
    argv0: str

    @classmethod
    def here(cls) -> Self:
        """The machine that we run on; a working directory that is gone is named as it was."""
        try:
            cwd = Path.cwd()
        except FileNotFoundError:
            cwd = Path(os.environ.get("PWD", os.sep))
        return cls(home_folder(), cwd, sys.platform, dict(os.environ), sys.executable, sys.argv[0])

    @property
    def config(self) -> Path:
        """The folder in which desktop applications keep a user's settings."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self._named("APPDATA") or self.home / "AppData" / "Roaming"
        return self._named("XDG_CONFIG_HOME") or self.home / ".config"

    def _named(self, variable: str) -> Path | None:
        value = self.env.get(variable, "")
        return Path(value) if value else None

    def place(self, base: str, folder: str, variable: str) -> Path:
        """`folder` in the home or the settings folder, unless the environment says that it is elsewhere."""
        moved = self._named(variable) if variable else None
        return moved or (self.home if base == "home" else self.config) / folder
