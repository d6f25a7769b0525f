"""The operations that extract, by the step that describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis_engine.compute.extracting.answer_span import Answers
from tamis_engine.compute.extracting.entailment import Entailments
from tamis_engine.compute.extracting.keep_lines import KeptLines
from tamis_engine.compute.extracting.keep_tokens import KeptSentences
from tamis_engine.compute.extracting.keep_words import KeptWords
from tamis_engine.compute.extracting.span_marker import MarkedSpans
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import AnswerSpan, Entailment, KeepLines, KeepTokens, KeepWords, SpanMarker

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.extracting.answer_span import TokenLogits
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import Output, Spec
    from tamis_engine.operation import Operation, Piece


def operation(spec: Spec, output: Output, backbone: Backbone, tokeniser: Tokeniser) -> Operation:
    """The one step of `output` with its weights loaded. Raises `ModelInvalid`."""
    match output.steps:
        case (KeepTokens() as step,):
            return KeptSentences(spec, step, backbone, tokeniser)
        case (KeepWords() as step,):
            return KeptWords(step, backbone, tokeniser)
        case (SpanMarker() as step,):
            return MarkedSpans(spec, step, backbone, tokeniser)
        case (Entailment() as step,):
            return Entailments(step, backbone, tokeniser)
        case (AnswerSpan() as step,):
            return Answers(step, _token_logits(backbone), tokeniser)
        case (KeepLines() as step,):
            return KeptLines(spec, step, backbone, tokeniser)
        case steps:
            raise ModelInvalid(spec.name, f"{[type(step).__name__ for step in steps]} can't extract anything.")


def _token_logits(backbone: Backbone) -> TokenLogits:
    """In float32, in the host's memory."""

    def logits(pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        return [part.float().cpu().numpy() for part in backbone.token_logits(pieces).split()]

    return logits
