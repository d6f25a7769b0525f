"""Asks a language model about a pair, in the words of its template."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis_engine.errors import RequestInvalid
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import ChatPair
    from tamis_engine.operation import PairInput


@dataclass(frozen=True, slots=True)
class Question:
    """What stands around the passage. `dropped` tokens of the query are not in it."""

    head: list[int]
    tail: list[int]
    dropped: int


class Chat:
    """A template cut before the line of the passage and behind the passage; the three are tokenised one by one.

    So the first is the same for all passages of a query, and the last is whole however long the passage is. Queries
    may fill half of what the model reads. Neither they nor passages nor instructions can write special tokens: what a
    web page says is never taken for a turn of the conversation.
    """

    def __init__(self, tokeniser: Tokeniser, pair: ChatPair) -> None:
        self._tokeniser = tokeniser
        self._instruction = pair.instruction
        before, self._tail = pair.template.split("{passage}")
        cut = before.rfind("\n") + 1
        self._head, self._line = before[:cut], before[cut:]

    def tokenise(self, inputs: Sequence[PairInput]) -> list[Tokenised]:
        """One piece for each pair; what the pairs of a query share is marked."""
        asked = [(each.query, each.instruction or self._instruction) for each in inputs]
        questions = {each: self._question(*each) for each in set(asked)}
        lines = self._tokeniser.ids([self._line + self._tokeniser.spelled(each.passage) for each in inputs])
        return [self._one(questions[each], line) for each, line in zip(asked, lines, strict=True)]

    def _one(self, question: Question, line: list[int]) -> Tokenised:
        around = len(question.head) + len(question.tail)
        room = self._tokeniser.text.max_tokens - around
        if room <= 0:
            raise RequestInvalid(
                f"The instruction and the query leave no room for a passage: they fill {around:,} of the model's "
                f"{self._tokeniser.text.max_tokens:,} tokens. Shorten them."
            )
        piece = Piece([*question.head, *line[:room], *question.tail], shared=len(question.head))
        given = around + question.dropped + len(line)
        return Tokenised((piece,), given, question.dropped > 0 or len(line) > room)

    def _question(self, query: str, instruction: str) -> Question:
        (found,) = self._tokeniser.parts([query], offsets=True)
        bound = self._tokeniser.text.query_tokens or self._tokeniser.text.max_tokens // 2
        dropped = max(len(found) - bound, 0)
        kept = query[: found.offsets[bound - 1][1]] if dropped else query
        words = {"query": self._tokeniser.spelled(kept), "instruction": self._tokeniser.spelled(instruction)}
        head, tail = self._tokeniser.ids([filled(self._head, words), filled(self._tail, words)])
        return Question(head, tail, dropped)


def filled(template: str, words: Mapping[str, str]) -> str:
    """All put in at once: what one of them says is never taken for the place of another."""
    return re.sub(r"\{(query|instruction)\}", lambda place: words[place[1]], template)
