"""What reading a model's files comes to: a spec without the facts that only its whereabouts tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tamis_engine.models.spec import Network, OperationName, Output, Text


@dataclass(frozen=True, slots=True)
class Recipe:
    """A network, how text enters it, and what is made of its states. `tokenizer` lies in the folder `sub`."""

    network: Network
    text: Text
    outputs: Mapping[OperationName, Output]
    dimensions: int = 0
    sub: str = ""
    added_tokens: tuple[str, ...] = ()

    def with_outputs(self, more: Mapping[OperationName, Output]) -> Recipe:
        """This one, which also gives `more`."""
        return replace(self, outputs={**self.outputs, **more})
