"""Tables of token vectors without a network: sentence-transformers' StaticEmbedding and model2vec."""

from __future__ import annotations

from tamis_engine.models.files import Files, anew, within
from tamis_engine.models.recipe import Recipe
from tamis_engine.models.spec import Network, Normalize, Output, StaticBag, Step, Text
from tamis_engine.models.texts import prompts
from tamis_engine.protocol import ANY_LENGTH_TOKENS

TABLES = ("embedding.weight", "embeddings")
"""How sentence-transformers and model2vec call it."""


def static_recipe(files: Files, sub: str = "", steps: tuple[Step, ...] = ()) -> Recipe:
    """The mean of the tokens' vectors, then `steps`."""
    weights = within(sub, "model.safetensors")
    if not files.has(weights):
        raise files.refuse(f"{weights} is missing, the table of its vectors. {anew(files.folder)}")
    shapes = files.shapes(weights)
    tables = [name for name in TABLES if name in shapes]
    if len(shapes) != 1 or not tables:
        raise files.refuse(f"{weights} holds {', '.join(sorted(shapes))}; expected one table, {' or '.join(TABLES)}.")
    if steps[-1:] != (Normalize(),):
        steps += (Normalize(),)
    return Recipe(
        Network({}, (weights,), "static"),
        Text(ANY_LENGTH_TOKENS, prompts=prompts(files), add_special_tokens=False),
        {"dense": Output((StaticBag(weights, tables[0]), *steps))},
        shapes[tables[0]][1],
        sub,
    )
