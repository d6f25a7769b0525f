"""The core as this machine wants it: which models there are, what computes them, how much memory they may take."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from platformdirs import user_cache_path

from tamis_engine import native
from tamis_engine.errors import EngineUnavailable
from tamis_engine.models.registry import Registry
from tamis_engine.process.address import identity
from tamis_engine.running import memory, row_file
from tamis_engine.running.core import Core
from tamis_engine.running.eviction import Policy
from tamis_engine.running.memory import Footprints
from tamis_engine.running.residency import Residency
from tamis_engine.running.rows import RowCache

if TYPE_CHECKING:
    from tamis_engine.models.spec import Spec
    from tamis_engine.operation import Model
    from tamis_engine.protocol import OnProgress

Device = Literal["cpu", "cuda", "mps"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda", "mps")
DEVICE = "TAMIS_ENGINE_DEVICE"
MAX_THREADS = 8
"""More of them wait for each other on matrices this small."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. `memory` and `device` are empty where the machine decides; `cache` is None where
    nothing is to be kept between runs."""

    memory: str = ""
    device: str = ""
    cache: Path | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Read once, when the engine starts."""
        folder = environment.get(memory.CACHE) or user_cache_path("tamis", appauthor=False) / "rows"
        cache = None if str(folder) == "off" else Path(folder)
        return cls(environment.get(memory.SETTING, ""), environment.get(DEVICE, ""), cache)


class Shelf(Registry):
    """The registry, whose specs are told apart by what computes them: numbers of other code or devices differ."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self._computed = f"{device} {identity()}"

    def spec(self, name: str, on_progress: OnProgress) -> Spec:
        """See `Registry`."""
        found = super().spec(name, on_progress)
        return replace(found, revision=f"{found.revision} {self._computed}")


def core(settings: Settings | None = None) -> Core:
    """Everything put together. Raises `EngineUnavailable` with a sentence where a setting makes no sense."""
    settings = settings or Settings.of(os.environ)
    device = chosen_device(settings.device)
    registry, cache = Shelf(device), settings.cache
    host = 0 if device == "cpu" else memory.default_budget_bytes(memory.available_bytes())
    residency = Residency(
        registry,
        Loader(device),
        Policy(budget_bytes(settings.memory, device), device=device),
        footprints=Footprints(cache / "footprints.json", device, "default") if cache else None,
        host_budget_bytes=host,
    )
    rows = RowCache(cache / row_file.file_name() if cache else None)
    return Core(registry, residency, cache=rows)


def chosen_device(asked: str) -> Device:
    """The accelerator where there is one; found out without importing torch on machines that can't have any."""
    if asked:
        for device in DEVICES:
            if asked == device:
                return device
        raise EngineUnavailable(f"{DEVICE}={asked!r} is none of {', '.join(DEVICES)}.")
    if version("torch").endswith("+cpu") or (sys.platform == "linux" and not Path("/dev/nvidiactl").exists()):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def budget_bytes(setting: str, device: Device) -> int:
    """Of the device's memory, what models may take."""
    if device == "cuda":
        import torch

        free, share = torch.cuda.mem_get_info()[0], memory.DEVICE_SHARE
    else:
        free, share = memory.available_bytes(), memory.HOST_SHARE
    if not setting:
        return memory.default_budget_bytes(free, share)
    try:
        return memory.parsed_budget_bytes(setting, free)
    except ValueError as error:
        raise EngineUnavailable(str(error)) from error


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads a model for `device`: by the compiled kernel where that serves it, else by torch."""

    device: Device

    def __call__(self, spec: Spec) -> Model:
        """Raises `ModelInvalid` where its files are not what they must be."""
        threads = min(os.cpu_count() or 1, MAX_THREADS)
        if self.device == "cpu" and native.serves(spec):
            return native.load(spec, threads)
        # late: 200 MB and a second or two
        from tamis_engine.compute.collector import collector_paused

        with collector_paused():
            import torch

            from tamis_engine.compute.assembly import assemble
            from tamis_engine.compute.precision import fastest_dtype

            torch.set_num_threads(threads)
            device = torch.device(self.device)
            model = assemble(spec, device, fastest_dtype(device))
        # What the imports made stays for good; looking through it for garbage would stop a call for 0.3 s.
        gc.freeze()
        return model
