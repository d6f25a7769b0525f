"""Checks arguments; what is wrong with them becomes one sentence each that says what to do."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import ValidationError

from tamis_tools.errors import BadArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

    from tamis_mcp_server.arguments import Arguments

A = TypeVar("A", bound="Arguments")

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": 'a list of strings, as in ["src/", "app.log:1-200"]',
}
_LONGEST_VALUE = 60


def checked(tool: str, model: type[A], given: Mapping[str, object]) -> A:
    """`given` as the tool's arguments; null counts as left out. Raises `BadArgument`."""
    try:
        return model.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = error.errors(include_url=False)
    raise BadArgument(" ".join(dict.fromkeys(_sentence(tool, model, problem) for problem in problems)))


def near(word: object, known: Iterable[str]) -> str:
    """What was probably meant by `word`, and what there is."""
    choices = list(known)
    close = get_close_matches(str(word), choices, n=1, cutoff=0.5)
    meant = f"Did you mean {close[0]}? " if close else ""
    return f"{meant}Possible: {', '.join(choices)}."


def _sentence(tool: str, model: type[Arguments], problem: ErrorDetails) -> str:
    name, kind, value = str(problem["loc"][0]), problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return f"{tool} has no argument {name!r}. {near(name, model.model_fields)}"
    field = model.model_fields[name]
    if kind == "missing":
        return f"{tool} needs {name}: {field.description}."
    if kind == "literal_error":
        return f"{name} can't be {_shown(value)}. {near(value, get_args(field.annotation))}"
    return f"{name} must be {_KINDS.get(kind.split('_')[0], 'something else')}, not {_shown(value)}."


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
