"""Two models of torch's take turns in the memory of one; prints what the process takes, early and at the end.

swapper.py FOLDER SWAPS WARM: a JSON list of bytes, after WARM swaps and after SWAPS.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tamis_engine.process.worker import SURROUNDINGS

os.environ |= SURROUNDINGS

from transformers import AutoModel

from tamis_engine.models.registry import Registry
from tamis_engine.protocol import EncodeRequest
from tamis_engine.running.core import Core
from tamis_engine.running.eviction import Policy
from tamis_engine.running.making import Loader
from tamis_engine.running.memory import resident_bytes
from tamis_engine.running.residency import Residency
from tests.engine.compute import checkpoints

SIZES = {"dim": 64, "n_layers": 1, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64}
VOCABULARY = 8_000
"""Enough for 2 MB: a model that stayed would be seen."""


def made(folder: Path) -> Path:
    """Not a BERT, so that the compiled kernel leaves it to torch."""
    config = checkpoints.AutoConfig.for_model("distilbert", **SIZES, vocab_size=VOCABULARY)
    checkpoints.saved(folder, AutoModel, config, checkpoints.word_pieces())
    (folder / "modules.json").write_text(json.dumps(MODULES), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(POOLING), encoding="utf-8")
    return folder


MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
POOLING = {"word_embedding_dimension": 64, "pooling_mode_mean_tokens": True}


def main() -> None:
    """Each request is for the model that is not there."""
    folder, swaps, warm = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    models = [str(made(folder / name)) for name in ("a", "b")]
    registry = Registry()
    residency = Residency(registry, Loader("cpu"), Policy(10**9, 0, 0))
    taken: list[int] = []
    with Core(registry, residency) as core:
        for model in models:
            core.ready(model).result(20)
        residency.policy = Policy(int(1.5 * residency.slots[models[0]].footprint_bytes), 0, 0)
        for number in range(swaps):
            core.submit(EncodeRequest((f"text {number}",), models[number % 2])).result(20)
            if number + 1 in (warm, swaps):
                taken.append(resident_bytes())
        if (loads := core.status()["loads"]) < swaps:
            sys.exit(f"{loads} loads, not one a request")
    sys.stdout.write(json.dumps(taken))


if __name__ == "__main__":
    main()
