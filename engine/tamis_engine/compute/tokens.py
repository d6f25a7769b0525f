"""Text to tokens: prompts, special tokens, pairs, and what is cut where a model reads no further.

Parts of a text are tokenised without special tokens and set into the model's frame as plain lists, so that the
tokenizer has no state that one caller could change under another: everything here may run in many threads.

What is cut: a single text at its end. Of a pair the longer part, at its end, as sentence-transformers' `longest_first`
cuts; that is the passage alone (`only_second`) wherever the query fills no more than half of the room.

A special token written in a text ("[SEP]") is read as that token, as the references read it. Which part of a pair a
token belongs to is known from where it was put and never read from the ids; chat templates, where a passage could speak
for the model, spell it out (`Tokeniser.spelled`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

    from tamis_engine.models.spec import Text
    from tamis_engine.operation import PairInput, TextInput
    from tamis_engine.protocol import Role

MARK = "\udfff"
"""Where a text is cut before it is tokenised; no well-formed text holds it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model reads of one input. `given` counts all tokens before anything was cut."""

    ids: list[int]
    token_types: list[int] | None
    given: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens around the parts of an input, as the tokenizer sets them: `at` is where each part goes."""

    ids: tuple[int, ...]
    types: tuple[int, ...]
    at: tuple[int, ...]

    @classmethod
    def seen(cls, framed: Encoding) -> Self:
        """From the tokenizer's own result for parts of one token each."""
        places = tuple(at for at, special in enumerate(framed.special_tokens_mask) if not special)
        return cls(tuple(framed.ids), tuple(framed.type_ids), places)

    @property
    def tokens(self) -> int:
        """How many tokens it adds."""
        return len(self.ids) - len(self.at)

    def ids_around(self, *parts: Sequence[int]) -> list[int]:
        """The ids of the whole."""
        return _filled(self.ids, self.at, parts)

    def types_around(self, *parts: Sequence[int]) -> list[int]:
        """The token types of the whole."""
        return _filled(
            self.types, self.at, [[self.types[at]] * len(part) for at, part in zip(self.at, parts, strict=True)]
        )


def _filled(frame: Sequence[int], at: Sequence[int], parts: Sequence[Sequence[int]]) -> list[int]:
    whole: list[int] = []
    done = 0
    for place, part in zip(at, parts, strict=True):
        whole += frame[done:place]
        whole += part
        done = place + 1
    whole += frame[done:]
    return whole


class Tokeniser:
    """A model's tokenizer and the rules of its texts."""

    def __init__(self, tokenizer: Tokenizer, text: Text, named: Mapping[str, str], typed: bool) -> None:
        """`named`: special tokens by name (`mask_token`). `typed`: the model tells the parts of a pair by type."""
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._named = named
        self.typed = typed
        self.text = text

    # --- whole inputs ------------------------------------------------------------------------------------------------

    def texts(self, inputs: Sequence[TextInput], leads: Mapping[Role, Sequence[int]] | None = None) -> list[Reading]:
        """Single texts behind their prompts; the ids of `leads` stand before both."""
        leads = leads or {}
        prompts = [self.prompt(each.role, each.instruction) for each in inputs]
        bodies = self.parts([prompt + each.text for prompt, each in zip(prompts, inputs, strict=True)])
        return [
            self._single(leads.get(each.role, ()), body.ids, self.limit(each.role))
            for each, body in zip(inputs, bodies, strict=True)
        ]

    def pairs(self, inputs: Sequence[PairInput]) -> list[Reading]:
        """Queries and passages behind their prompts, one sequence each; a query is tokenised once."""
        asked = [self.prompt("query", each.instruction) + each.query for each in inputs]
        once = list(dict.fromkeys(asked))
        queries = {query: part.ids for query, part in zip(once, self.parts(once), strict=True)}
        prompt = self.prompt("passage")
        passages = self.parts([prompt + each.passage for each in inputs])
        return [self._pair(queries[query], passage.ids) for query, passage in zip(asked, passages, strict=True)]

    def _pair(self, query: Sequence[int], passage: Sequence[int]) -> Reading:
        frame = self.pair_frame
        bound = self.text.query_tokens or len(query)
        room = max(self.text.max_tokens - frame.tokens, 0)
        first, second = shares(min(len(query), bound), len(passage), room)
        parts = query[:first], passage[:second]
        types = frame.types_around(*parts) if self.typed else None
        given = len(query) + len(passage)
        return Reading(frame.ids_around(*parts), types, given + frame.tokens, first + second < given)

    def _single(self, lead: Sequence[int], body: Sequence[int], limit: int) -> Reading:
        around = self.frame.tokens + len(lead)
        kept = min(len(body), max(limit - around, 0))
        return Reading(self.frame.ids_around([*lead, *body[:kept]]), None, len(body) + around, kept < len(body))

    # --- parts -------------------------------------------------------------------------------------------------------

    def parts(self, texts: Sequence[str], offsets: bool = False) -> list[Encoding]:
        """Texts without prompt or special tokens; offsets are characters."""
        encode = self._tokenizer.encode_batch if offsets else self._tokenizer.encode_batch_fast
        return encode([well_formed(text) for text in texts], add_special_tokens=False)

    def spelled(self, text: str) -> str:
        """The text marked so that `ids` reads a special token written in it as its characters."""
        text = well_formed(text)
        while self._special_text.search(text):
            text = self._special_text.sub(lambda found: found[0][0] + MARK + found[0][1:], text)
        return text

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of texts that may hold parts which are `spelled`, without prompt or further special tokens."""
        fragments = [text.split(MARK) for text in texts]
        found = iter(self.parts([fragment for each in fragments for fragment in each]))
        return [[id_ for _ in each for id_ in next(found).ids] for each in fragments]

    # --- facts -------------------------------------------------------------------------------------------------------

    def limit(self, role: Role) -> int:
        """The most tokens that the model reads of a text, special tokens included."""
        return (role == "query" and self.text.query_tokens) or self.text.max_tokens

    def prompt(self, role: Role, instruction: str = "") -> str:
        """What stands before a text."""
        prompts = self.text.prompts
        template = prompts.query if role == "query" else prompts.passage
        return template.replace("{instruction}", instruction or prompts.instruction)

    def prompt_tokens(self, prompt: str) -> int:
        """How many leading tokens are the prompt's, special ones before it included."""
        return self.frame.at[0] + len(self.parts([prompt])[0]) if prompt else 0

    def id_of(self, token: str) -> int | None:
        """The id of a token, as it stands in the vocabulary."""
        return self._tokenizer.token_to_id(token)

    def special(self, name: str) -> int | None:
        """A special token by what it is for: `cls`, `sep`, `bos`, `eos`, `pad`, `unk` or `mask`."""
        token = self._named.get(f"{name}_token")
        return None if token is None else self.id_of(token)

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """All special tokens."""
        added = self._tokenizer.get_added_tokens_decoder()
        named = map(self.id_of, self._named.values())
        return frozenset(
            (*(id_ for id_, token in added.items() if token.special), *(id_ for id_ in named if id_ is not None))
        )

    @cached_property
    def _special_text(self) -> re.Pattern[str]:
        tokens = sorted(filter(None, map(self._tokenizer.id_to_token, self.special_ids)))
        return re.compile("|".join(re.escape(token) for token in tokens if len(token) > 1) or r"(?!)")

    @cached_property
    def frame(self) -> Frame:
        """What stands around a single text."""
        if not self.text.add_special_tokens:
            return Frame((0,), (0,), (0,))
        return self._ended(Frame.seen(self._tokenizer.post_process(self._probe)))

    @cached_property
    def pair_frame(self) -> Frame:
        """What stands around and between the parts of a pair."""
        return Frame.seen(self._tokenizer.post_process(self._probe, self._probe))

    def _ended(self, frame: Frame) -> Frame:
        end = self.special("eos")
        ends_so = frame.at[-1] < len(frame.ids) - 1 and frame.ids[-1] == end
        if not self.text.append_eos or end is None or ends_so:
            return frame
        return Frame((*frame.ids, end), (*frame.types, frame.types[-1]), frame.at)

    @cached_property
    def _probe(self) -> Encoding:
        """One token, whichever: to see what is set around it."""
        for id_ in range(self._tokenizer.get_vocab_size()):
            found = self._tokenizer.encode(self._tokenizer.id_to_token(id_) or "", add_special_tokens=False)
            if len(found):
                found.truncate(1)
                return found
        raise ValueError("the tokenizer knows no token")


def shares(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of each part of a pair are kept: the longer is cut, both to a half where both are longer."""
    if first + second <= room:
        return first, second
    shorter = min(first, second, room // 2)
    return (shorter, room - shorter) if first <= second else (room - shorter, shorter)


def well_formed(text: str) -> str:
    """Lone surrogates, which stand for undecodable bytes, as question marks: the tokenizer refuses them."""
    return text.encode("utf-8", "replace").decode("utf-8")
