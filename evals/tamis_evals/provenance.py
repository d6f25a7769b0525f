"""What a run was made of: commit, data, models, machine."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tamis_engine import embedded
from tamis_evals.records import About
from tamis_evals.tasks.task import Plan


def about(plan: Plan, settings: Mapping[str, object]) -> About:
    """The state of things at the start of a run; data, models and memory are filled in as they are met."""
    return About(
        version=version("tamis"),
        commit=_git("rev-parse", "HEAD") or "not in a repository",
        dirty=bool(_git("status", "--porcelain", "--untracked-files=no")),
        seed=plan.seed,
        quick=plan.quick,
        lengths=list(plan.lengths),
        data={},
        models={embedded.NAME: _weights()},
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        settings=dict(settings),
    )


def _weights() -> str:
    """The SHA-256 of the weights of the encoder that the package carries."""
    return hashlib.sha256((embedded.FOLDER / "model.safetensors").read_bytes()).hexdigest()


def _git(*arguments: str) -> str:
    """What git says of the sources of this package; empty where they are in no repository."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
