"""Whether what only the report needs is installed."""

from __future__ import annotations

from importlib.util import find_spec

NEEDED = ("matplotlib", "scipy", "jinja2")


class ExtraMissing(Exception):
    """The extra `evals` is not installed; the message says how to install it."""

    def __init__(self, module: str) -> None:
        super().__init__(f"The report needs {module}, which is not installed. Run: pip install 'tamis[evals]'")


def check(modules: tuple[str, ...] = NEEDED) -> None:
    """Raises `ExtraMissing` for the first module that cannot be imported."""
    for module in modules:
        if find_spec(module) is None:
            raise ExtraMissing(module)
