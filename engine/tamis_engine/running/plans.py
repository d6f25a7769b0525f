"""From a request and the model's spec to the inputs that are computed, and from their rows to the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tamis_engine.calibration import Logistic
from tamis_engine.errors import RequestInvalid
from tamis_engine.operation import LabelledInput, PairInput, Row, TextInput
from tamis_engine.protocol import (
    EncodeRequest,
    EncodeResult,
    Extraction,
    ExtractRequest,
    ExtractResult,
    ScoreRequest,
    ScoreResult,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.limits import Request
    from tamis_engine.models.spec import OperationName, Spec
    from tamis_engine.operation import Input

Result = EncodeResult | ScoreResult | ExtractResult
LIKENESS: tuple[OperationName, ...] = ("dense", "multivector", "sparse")
"""What a model without a head for pairs scores by, the first that it has."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`inputs` go through `operation`; `finish` makes the answer of their rows, in the same order."""

    operation: OperationName
    inputs: tuple[Input, ...]
    finish: Callable[[Sequence[Row]], Result]


class Scored(NamedTuple):
    """`scores` has shape (queries, passages); tokens and truncation are the passages'."""

    scores: NDArray[np.float32]
    calibrated: bool
    tokens: tuple[int, ...]
    truncated: tuple[bool, ...]


def plan(request: Request, spec: Spec) -> Plan:
    """How `spec` serves the request. Raises `RequestInvalid` with what the model does instead."""
    match request:
        case EncodeRequest():
            return _encoding(request, spec)
        case ScoreRequest():
            return _scoring(request, spec)
        case ExtractRequest():
            return _extracting(request, spec)


def _encoding(request: EncodeRequest, spec: Spec) -> Plan:
    if request.kind not in spec.outputs:
        able = ", ".join(sorted(spec.outputs))
        raise RequestInvalid(f"{spec.name!r} has no {request.kind} vectors. What it does: {able}.")
    if request.dimensions and not (request.kind == "dense" and 0 < request.dimensions <= spec.dimensions):
        raise RequestInvalid(
            f"dimensions={request.dimensions} is not possible: {spec.name!r} has {spec.dimensions}, "
            "and only dense vectors can be shortened."
        )

    def finish(rows: Sequence[Row]) -> EncodeResult:
        return EncodeResult(
            vectors=_stacked(rows, request, spec),
            tokens=tuple(row.tokens for row in rows),
            truncated=tuple(row.truncated for row in rows),
            model=spec.name,
            kind=request.kind,
            rows=() if request.kind == "dense" else tuple(len(row.values) for row in rows),
        )

    inputs = tuple(TextInput(text, request.role, request.instruction) for text in request.texts)
    return Plan(request.kind, inputs, finish)


def _stacked(rows: Sequence[Row], request: EncodeRequest, spec: Spec) -> NDArray[np.float32]:
    if request.kind != "dense":
        width = 2 if request.kind == "sparse" else spec.dimensions
        return np.concatenate([row.values for row in rows]) if rows else np.empty((0, width), np.float32)
    vectors = np.stack([row.values for row in rows]) if rows else np.empty((0, spec.dimensions), np.float32)
    if not request.dimensions:
        return vectors
    shorter = vectors[:, : request.dimensions]
    return shorter / np.maximum(np.linalg.norm(shorter, axis=1, keepdims=True), 1e-12)


def _scoring(request: ScoreRequest, spec: Spec) -> Plan:
    operation, inputs, scored = _judging((request.query,), request.passages, request.instruction, spec)

    def finish(rows: Sequence[Row]) -> ScoreResult:
        found = scored(rows)
        return ScoreResult(found.scores[0], found.truncated, spec.name, found.calibrated, found.tokens)

    return Plan(operation, inputs, finish)


def _extracting(request: ExtractRequest, spec: Spec) -> Plan:
    if "extract" not in spec.outputs:
        return _classifying(request, spec)

    def finish(rows: Sequence[Row]) -> ExtractResult:
        # models that ask no question find all of it under the first label, or under none
        labels = request.labels or ("",)
        found = [
            Extraction(passage, int(start), int(end), labels[int(label)], float(score))
            for passage, row in enumerate(rows)
            for label, start, end, score in row.values
        ]
        order = {label: number for number, label in enumerate(labels)}
        found.sort(key=lambda each: (order[each.label], -each.score))
        return ExtractResult(tuple(found), spec.name, tuple(row.truncated for row in rows))

    inputs = (LabelledInput(request.labels, text, request.threshold, request.share) for text in request.passages)
    return Plan("extract", tuple(inputs), finish)


def _classifying(request: ExtractRequest, spec: Spec) -> Plan:
    """Whole passages: such a model can tell which passage answers a label, not where in it."""
    operation, inputs, scored = _judging(request.labels, request.passages, "", spec)
    least = request.threshold or 0.0

    def finish(rows: Sequence[Row]) -> ExtractResult:
        found = scored(rows)
        extractions = tuple(
            Extraction(passage, 0, len(request.passages[passage]), label, float(row[passage]))
            for label, row in zip(request.labels, found.scores, strict=True)
            for passage in np.argsort(-row, kind="stable").tolist()
            if row[passage] >= least
        )
        return ExtractResult(extractions, spec.name, found.truncated)

    return Plan(operation, inputs, finish)


Judging = tuple["OperationName", tuple["Input", ...], Callable[[Sequence[Row]], Scored]]


def _judging(queries: tuple[str, ...], passages: tuple[str, ...], instruction: str, spec: Spec) -> Judging:
    """Every query against every passage, by the head for pairs, else by the likeness of vectors."""
    shape = (len(queries), len(passages))
    if "score" in spec.outputs:
        pairs = tuple(PairInput(query, passage, instruction) for query, passage in product(queries, passages))

        def paired(rows: Sequence[Row]) -> Scored:
            scores = np.array([row.values for row in rows], np.float32).reshape(shape)
            return _scored(scores, rows[: len(passages)], spec.calibration is not None)

        return "score", pairs, paired
    by: OperationName | None = next((name for name in LIKENESS if spec.outputs.get(name)), None)
    if by is None:
        raise RequestInvalid(f"{spec.name!r} can't judge passages. What it does: {', '.join(sorted(spec.outputs))}.")
    texts = [TextInput(query, "query", instruction) for query in queries] + [TextInput(text) for text in passages]

    def alike(rows: Sequence[Row]) -> Scored:
        asked, judged = rows[: len(queries)], rows[len(queries) :]
        scores = [likeness(by, query.values, row.values, spec) for query, row in product(asked, judged)]
        return _scored(np.array(scores, np.float32).reshape(shape), judged, spec.calibration is not None)

    return by, tuple(texts), alike


def _scored(scores: NDArray[np.float32], passages: Sequence[Row], calibrated: bool) -> Scored:
    return Scored(scores, calibrated, tuple(row.tokens for row in passages), tuple(row.truncated for row in passages))


def likeness(by: OperationName, query: NDArray[np.float32], passage: NDArray[np.float32], spec: Spec) -> float:
    """From 0 to 1: of cosines, of MaxSim (Khattab & Zaharia 2020) per query token, of the product of sparse vectors."""
    if by == "sparse":
        _, left, right = np.intersect1d(query[:, 0], passage[:, 0], assume_unique=True, return_indices=True)
        product_ = float(query[left, 1] @ passage[right, 1])
        return product_ / (1 + product_)
    if by == "multivector":
        cosine = float((query @ passage.T).max(axis=1).mean()) if len(query) and len(passage) else -1.0
    else:
        cosine = float(query @ passage)
    if spec.calibration:
        line = Logistic(spec.calibration.slope, spec.calibration.midpoint)
        return float(line.probability(np.array(cosine, np.float32)))
    return (1 + cosine) / 2


def cost(request: Any) -> int:
    """About how many tokens the request is: known before anything is tokenised."""
    match request:
        case EncodeRequest():
            chars, others, times = sum(map(len, request.texts)), 0, len(request.texts)
        case ScoreRequest():
            chars, others, times = sum(map(len, request.passages)), len(request.query), len(request.passages)
        case ExtractRequest():
            chars, times = sum(map(len, request.passages)), len(request.passages)
            others = sum(map(len, request.labels))
        case _:
            return 0
    return (chars + others * times) // CHARS_PER_TOKEN + 2 * times


CHARS_PER_TOKEN = 4
