"""Whose turn it is: the parts that wait, by model, operation and client, and the next batch of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from tamis_engine.running.batching import fill
from tamis_engine.running.jobs import Job, Lane, Part

if TYPE_CHECKING:
    from tamis_engine.models.spec import OperationName
    from tamis_engine.running.slots import Slot


class Queue(NamedTuple):
    """The clients that wait for one operation of one model; `served` is the oldest batch that one of them was in."""

    served: int
    slot: Slot
    operation: OperationName
    lanes: dict[Hashable, Lane]


class Batch(NamedTuple):
    """What shares one forward pass."""

    slot: Slot
    operation: OperationName
    parts: list[Part]

    @property
    def tokens(self) -> int:
        """Of all parts."""
        return sum(part.length for part in self.parts)


def next_batch(slots: Iterable[Slot], number: int) -> Batch | None:
    """Of the model and operation that was not served the longest, taken out of its lanes; it is batch `number`."""
    waiting = [
        Queue(min(lane.served for lane in lanes.values()), slot, operation, lanes)
        for slot in slots
        for operation, lanes in slot.lanes.items()
        if _waiting(lanes) and slot.usable
    ]
    if not waiting:
        return None
    _, slot, operation, lanes = min(waiting, key=lambda each: each.served)
    assert slot.model
    ordered = sorted(lanes.items(), key=lambda item: item[1].served)
    lengths = [(part.length for part in lane.parts if not part.taken) for _, lane in ordered]
    parts: list[Part] = []
    for (_, lane), count in zip(ordered, fill(lengths, slot.model.batch_tokens), strict=True):
        parts += lane.take(count, number)
        lane.served = number if count else lane.served
    return Batch(slot, operation, sorted(parts, key=lambda part: part.length))


def put(part: Part, waiters: Iterable[Job], slot: Slot, number: int) -> None:
    """Into the lanes of their clients; a lane that begins comes behind batch `number`."""
    lanes = slot.lanes[part.unit.operation]
    for client in dict.fromkeys(job.client for job in waiters):
        lanes.setdefault(client, Lane(served=number)).parts.append(part)


def _waiting(lanes: dict[Hashable, Lane]) -> bool:
    for client, lane in list(lanes.items()):
        lane.skip()
        if not lane.parts:
            del lanes[client]
    return bool(lanes)


def drop_unwanted(slot: Slot) -> None:
    """What nobody waits for any more; but what is on its way out of the lanes comes to its end, and is kept."""
    for lanes in slot.lanes.values():
        for client, lane in list(lanes.items()):
            parts, lane.parts = lane.parts, deque()
            for part in parts:
                if part.taken:
                    continue
                if part.unit.wanted:
                    lane.parts.append(part)
                    continue
                part.unit.parts.clear()
                if slot.units.get(part.unit.key) is part.unit:
                    del slot.units[part.unit.key]
            if not lane.parts:
                del lanes[client]
