"""Tamis, always through its real tools: one call, or at most three with what each has taught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tamis_evals.arms.learning import learnt
from tamis_evals.sample import Outcome, Sample
from tamis_evals.server import CallFailed, Reply, Server

CALLS = 3
LEAST = 100
"""The smallest budget that `compress` takes."""
GAP = "\n…\n"


@dataclass(slots=True)
class Ours:
    """`compress` or `rerank`, called once with the question as it stands."""

    server: Server
    name: str = "ours"
    asks: frozenset[str] = frozenset({"select", "rank"})

    async def select(self, sample: Sample, budget_tokens: int) -> Outcome:
        """What one call of `compress` shows."""
        asked = {"sources": self.server.addresses(sample), "query": sample.query, "budget_tokens": budget_tokens}
        try:
            return _outcome(self.server, sample, [await self.server.call("compress", asked)])
        except CallFailed as error:
            return Outcome(failed=str(error), calls=1)

    async def rank(self, sample: Sample, top_k: int) -> Outcome:
        """What one call of `rerank` lists, by file."""
        asked = {"sources": self.server.addresses(sample), "query": sample.query, "top_k": top_k, "unit": "file"}
        try:
            reply = await self.server.call("rerank", asked)
        except CallFailed as error:
            return Outcome(failed=str(error), calls=1)
        results = reply.data["results"]
        ranked = tuple(self.server.number(sample, result["source"]) for result in results)
        best = results[0]["score"] if results else 0.0
        spent = reply.argument_tokens + self.server.schema_tokens
        answered = bool(reply.data["answered"])
        return Outcome(
            ranked=ranked, best=best, answered=answered, calls=1, overhead_tokens=spent, seconds=reply.seconds
        )


@dataclass(slots=True)
class OursInThree:
    """`compress` for half of the budget, then twice on from its cursor with the names that were found.

    A fixed policy without a model: an agent that reads what it got does better.
    """

    server: Server
    name: str = "ours-3-calls"
    asks: frozenset[str] = frozenset({"select"})

    async def select(self, sample: Sample, budget_tokens: int) -> Outcome:
        """What the calls show together, within the same budget."""
        replies: list[Reply] = []
        room = budget_tokens
        asked: Mapping[str, Any] = {"sources": self.server.addresses(sample), "query": sample.query}
        try:
            for call in range(CALLS):
                last = call == CALLS - 1 or room < 2 * LEAST
                part = room if last else room // 2
                if part < LEAST:
                    break
                reply = await self.server.call("compress", {**asked, "budget_tokens": part})
                replies.append(reply)
                room -= reply.data["tokens"]
                if not reply.data["cursor"]:
                    break
                slices = [each for reply in replies for each in reply.data["slices"]]
                asked = {"cursor": reply.data["cursor"], "query": learnt(sample.query, slices)}
        except CallFailed as error:
            return Outcome(failed=str(error), calls=len(replies) + 1)
        return _outcome(self.server, sample, replies)

    async def rank(self, _sample: Sample, _top_k: int) -> Outcome:
        """Nothing: a ranking takes one call."""
        return Outcome(failed=f"{self.name} does not rank")


def _outcome(server: Server, sample: Sample, replies: Sequence[Reply]) -> Outcome:
    slices = [each for reply in replies for each in reply.data["slices"]]
    passages = server.passages(sample, slices)
    return Outcome(
        passages,
        GAP.join(each["text"] for each in slices),
        sum(reply.data["tokens"] for reply in replies),
        best=max((each["score"] for each in slices), default=0.0),
        answered=any(reply.data["answered"] for reply in replies),
        calls=len(replies),
        overhead_tokens=server.schema_tokens + sum(reply.argument_tokens for reply in replies),
        seconds=sum(reply.seconds for reply in replies),
    )
