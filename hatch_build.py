"""Compiles the engine's CPU kernel while the wheel is built, where there is a compiler; none is needed."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

NATIVE = Path("engine/tamis_engine/native")


class KernelHook(BuildHookInterface):
    """Into the source tree, from where an editable install uses it and a wheel takes it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Never fails: no kernel means that torch computes."""
        folder = Path(self.root) / NATIVE
        kernel = runpy.run_path(str(folder / "build.py"))
        made = kernel["build"](folder)
        self.app.display_info(kernel["said"](made))
        if made and version == "standard":
            # It is called through ctypes, so it fits any Python 3, but one platform alone.
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{next(iter(platform_tags()))}"
            files = [kernel["file_of"](level, folder) for level in made]
            build_data["force_include"].update({str(file): f"tamis_engine/native/{file.name}" for file in files})
