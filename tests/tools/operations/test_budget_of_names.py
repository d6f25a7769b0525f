"""Names that cost more tokens than a budget has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tamis_tools import tokens
from tamis_tools.operations.compress import compress
from tamis_tools.requests import CompressRequest
from tests.tools.fakes import call, workspace, write

if TYPE_CHECKING:
    from pathlib import Path

COSTLIEST = "\N{CUNEIFORM SIGN A}"
"""A character of four tokens."""


@pytest.mark.parametrize("detail", ["verbatim", "outline", "locations"])
@pytest.mark.parametrize("budget_tokens", [100, 150, 300, 1_000, 2_000])
def test_neither_a_note_nor_the_next_best_place_passes_the_budget(
    tmp_path: Path, detail: str, budget_tokens: int
) -> None:
    place = workspace(tmp_path)
    deep = "/".join([COSTLIEST * 60] * 12)
    write(
        tmp_path, {f"{deep}/{number}.txt": f"The falcon eats {number}. " + "Other words. " * 40 for number in range(9)}
    )
    (place.scope.roots[0] / f"{COSTLIEST * 55}.txt").write_bytes(b"The falcon eats at the caf\xe9.\n" * 40)
    request = CompressRequest(sources=("**/*.txt",), query="falcon", budget_tokens=budget_tokens, detail=detail)
    assert tokens.count(call(compress, place, request).text) <= budget_tokens
