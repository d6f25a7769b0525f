"""The languages that are parsed, and the parsing of text that may be anything."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from time import thread_time
from typing import TYPE_CHECKING

from tree_sitter import Language, Parser

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

GRAMMARS = {
    "python": "tree_sitter_python:language",
    "javascript": "tree_sitter_javascript:language",
    "typescript": "tree_sitter_typescript:language_typescript",
    "tsx": "tree_sitter_typescript:language_tsx",
    "go": "tree_sitter_go:language",
    "rust": "tree_sitter_rust:language",
    "java": "tree_sitter_java:language",
    "c": "tree_sitter_c:language",
    "cpp": "tree_sitter_cpp:language",
    "csharp": "tree_sitter_c_sharp:language",
    "ruby": "tree_sitter_ruby:language",
    "php": "tree_sitter_php:language_php",
    "json": "tree_sitter_json:language",
}
"""bash is missing: on some input its scanner takes memory by the gigabyte."""

_MAX_CHARS = {"json": 4 * 1024 * 1024}
_MAX_CHARS_OF_CODE = 1024 * 1024
"""A tree takes about twenty times the memory of its text."""
_SECONDS, _SECONDS_PER_BYTE = 0.3, 1e-6
"""Processor time for one text: real sources take a tenth of it, hostile ones any multiple, and memory with it."""
_CHUNK = 1 << 16


def parse(language: str, text: str, clock: Callable[[], float] = thread_time) -> Node | None:
    """The root of the syntax tree; none without a grammar, or where the text is too large or takes too long.

    Rows count line feeds, bytes are of the text as UTF-8 with lone surrogates.
    """
    if language not in GRAMMARS or len(text) > _MAX_CHARS.get(language, _MAX_CHARS_OF_CODE):
        return None
    # NUL sends some scanners into endless loops
    source = text.replace("\0", " ").encode("utf-8", "surrogatepass")
    until = clock() + _SECONDS + len(source) * _SECONDS_PER_BYTE
    try:
        tree = Parser(_language(language)).parse(
            lambda at, _point: source[at : at + _CHUNK], progress_callback=lambda _at, _has_error: clock() > until
        )
    except ValueError:  # it was stopped
        return None
    return tree.root_node


@cache
def _language(name: str) -> Language:
    module, function = GRAMMARS[name].split(":")
    grammar: object = getattr(import_module(module), function)()
    return Language(grammar)
