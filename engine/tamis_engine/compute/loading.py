"""From a folder of safetensors and JSON to an encoder in memory; anything unexpected in it is refused."""

from __future__ import annotations

import gc
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tamis_engine.errors import ModelInvalid


@contextmanager
def collector_paused() -> Generator[None]:
    """Importing torch makes a million objects that stay: looking for garbage among them costs a third."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


with collector_paused():
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from torch import Tensor
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    from tamis_engine.compute.encoder import BertEncoder


def load_bert(folder: Path, max_tokens: int, dtype: torch.dtype | None = None) -> BertEncoder:
    """Weights are computed with in `dtype`: left out, bfloat16 where this CPU has it, else float32."""
    try:
        config = BertConfig.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        weights = load_file(folder / "model.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelInvalid(folder.name, f"its files can't be read ({error}).") from error
    # Built without memory, then given the tensors: initialising weights that are about to go takes longer
    # than the rest of the load.
    with torch.device("meta"):
        model = BertModel(config, add_pooling_layer=False)
    check_weights(folder.name, model.state_dict(), weights)
    wanted = dtype or (torch.bfloat16 if has_native_bfloat16() else torch.float32)
    model.load_state_dict({name: tensor.to(wanted) for name, tensor in weights.items()}, assign=True)
    return BertEncoder(model, load_tokenizer(folder), max_tokens)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of the model in `folder`."""
    try:
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:
        raise ModelInvalid(folder.name, f"its tokenizer can't be read ({error}).") from error


def check_weights(name: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Same names, same shapes, nothing missing and nothing more: a model half loaded answers nonsense."""
    wrong = [f"{key} is missing" for key in sorted(expected.keys() - found.keys())]
    wrong += [f"{key} is not part of the model" for key in sorted(found.keys() - expected.keys())]
    wrong += [
        f"{key} has shape {tuple(found[key].shape)}, expected {tuple(expected[key].shape)}"
        for key in sorted(expected.keys() & found.keys())
        if found[key].shape != expected[key].shape
    ]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelInvalid(name, f"its weights do not fit: {'; '.join(wrong[:3])}{more}.")


def has_native_bfloat16() -> bool:
    """True where the processor multiplies bfloat16 itself; where it does not, bfloat16 is many times slower.

    torch before 2.12 does not tell, so float32 it is; so does a build without oneDNN, which has no kernels
    for it.
    """
    tell = getattr(torch.cpu, "get_capabilities", None)
    flags: Mapping[str, object] = tell() if tell and torch.backends.mkldnn.is_available() else {}
    return any(flags.get(flag) for flag in ("avx512_bf16", "amx_bf16", "bf16"))
