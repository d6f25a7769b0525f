"""The stages of choosing. All of them run, unless an evaluation leaves one out to see what it is worth."""

from __future__ import annotations

from typing import Literal, get_args

Stage = Literal["lexical", "encoder", "fusion", "surroundings", "second-look", "redundancy", "expansion"]
STAGES: tuple[Stage, ...] = get_args(Stage)
