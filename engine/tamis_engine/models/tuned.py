"""Models that were tuned from the embedded encoder, saved as what differs: the tuned tensors, and a head."""

from __future__ import annotations

from tamis_engine.models.configs import max_positions, network_config
from tamis_engine.models.files import Files, Json
from tamis_engine.models.heads import head_recipe_of
from tamis_engine.models.recipe import Recipe
from tamis_engine.models.spec import Text

KEY = "tuned_from"
"""In config.json: the model whose config, tokenizer and other weights are used. `max_length` is what is read at once,
`architectures` names the head as everywhere."""


def tuned_recipe(files: Files, said: Json, base: Files) -> Recipe:
    """The network of `base` with another head. Raises `ModelInvalid` where the weights of `base` are not at hand."""
    if base.folder == files.folder or not base.has("model.safetensors"):
        raise files.refuse(
            f"it holds only what was tuned of {said[KEY]!r}; only models that were tuned from the embedded encoder can "
            "be saved so."
        )
    config = {**network_config(base), "architectures": said.get("architectures")}
    positions = max_positions(config) or 512
    text = Text(min(int(said.get("max_length") or positions), positions))
    return head_recipe_of(files, config, text, (base.folder / base.weights(),))
