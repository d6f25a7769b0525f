"""Which pieces share the next forward pass: pure decisions about lengths."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence


def fill(lanes: Sequence[Iterable[int]], budget_tokens: int) -> list[int]:
    """How many pieces each lane puts into a batch, first pieces first; `lanes` holds the lengths of their pieces.

    Whoever has the least in the batch is next, so lanes get equal shares and a short lane leaves the rest to
    others. A lane whose next piece no longer fits is done for this batch. The first lane always gets its first
    piece, so putting first whoever was not served the longest bounds everybody's waiting.
    """
    taken = [0] * len(lanes)
    waiting = [iter(lane) for lane in lanes]
    turns = [(0, number) for number in range(len(lanes))]
    room = budget_tokens
    while turns:
        share, number = heapq.heappop(turns)
        length = next(waiting[number], None)
        if length is None or (length > room and room < budget_tokens):
            continue
        taken[number] += 1
        room -= length
        heapq.heappush(turns, (share + length, number))
    return taken
