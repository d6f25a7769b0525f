from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from tamis_engine import limits
from tamis_engine.calibration import CALIBRATION
from tamis_engine.errors import EngineUnavailable, ModelInvalid, ModelNotFound, RequestInvalid
from tamis_engine.protocol import EncodeRequest, ExtractRequest, ScoreRequest
from tamis_engine.running.cache import OVERHEAD_BYTES, Vector, VectorCache, key
from tamis_engine.running.model import Batch
from tamis_engine.running.service import Service, finished


class Recorder:
    """Remembers what it computed; a text's vector points where its first letter says."""

    footprint_bytes = 7

    def __init__(self) -> None:
        self.computed: list[str] = []

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        for row in reversed(range(len(texts))):
            self.computed.append(texts[row])
            vector = np.zeros((1, 384), np.float32)
            vector[0, ord(texts[row][0])] = 1
            yield Batch((row,), vector, (len(texts[row]),))


class CallerLeft(Exception):
    pass


class Caller:
    """Waits for `patience` steps, then leaves."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def __call__(self) -> None:
        self.patience -= 1
        if self.patience < 0:
            raise CallerLeft


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def service(recorder: Recorder) -> Service:
    return Service(lambda: recorder)


def test_vectors_are_in_the_order_of_the_texts(service: Service) -> None:
    result = finished(service.encode(EncodeRequest(("a", "b", "c"))))
    assert result.vectors.argmax(axis=1).tolist() == [ord("a"), ord("b"), ord("c")]


def test_nothing_is_computed_twice(service: Service, recorder: Recorder) -> None:
    finished(service.encode(EncodeRequest(("a", "b", "a"))))
    again = finished(service.encode(EncodeRequest(("b", "a", "c"))))
    assert sorted(recorder.computed) == ["a", "b", "c"]
    assert again.vectors.argmax(axis=1).tolist() == [ord("b"), ord("a"), ord("c")]


def test_a_query_is_not_mistaken_for_the_same_words_as_a_passage(service: Service, recorder: Recorder) -> None:
    finished(service.encode(EncodeRequest(("a",))))
    finished(service.encode(EncodeRequest(("a",), role="query")))
    assert recorder.computed == ["a", "a"]


def test_truncation_is_reported_for_the_text_that_was_cut(service: Service) -> None:
    result = finished(service.encode(EncodeRequest(("a" * 256, "a" * 257))))
    assert (result.tokens, result.truncated) == ((256, 257), (False, True))


def test_no_texts_are_no_vectors_and_load_nothing(service: Service) -> None:
    assert finished(service.encode(EncodeRequest(()))).vectors.shape == (0, 384)
    assert service.models()[0].state == "absent"


def test_work_whose_caller_left_is_dropped_before_it_runs(service: Service, recorder: Recorder) -> None:
    with pytest.raises(CallerLeft):
        finished(service.encode(EncodeRequest(("a",))), Caller(patience=0))
    assert recorder.computed == []


def test_what_was_computed_before_the_caller_left_is_kept(service: Service, recorder: Recorder) -> None:
    with pytest.raises(CallerLeft):
        finished(service.encode(EncodeRequest(("a", "b", "c"))), Caller(patience=2))
    assert recorder.computed == ["c", "b"]
    finished(service.encode(EncodeRequest(("a", "b", "c"))))
    assert recorder.computed == ["c", "b", "a"]


def test_a_score_is_the_calibrated_cosine(service: Service) -> None:
    scores = finished(service.score(ScoreRequest("a question", ("answer", "nonsense")))).scores
    assert scores == pytest.approx(CALIBRATION.probability(np.array([1, 0], np.float32)))
    assert scores[0] > 0.5
    assert scores[1] < 0.01


def test_probabilities_rise_with_the_cosine_and_stay_between_0_and_1() -> None:
    probabilities = CALIBRATION.probability(np.linspace(-1, 1, 101, dtype=np.float32))
    assert probabilities.dtype == np.float32
    assert (np.diff(probabilities) > 0).all()
    assert 0 < probabilities[0] < probabilities[-1] < 1


def test_every_label_gets_whole_passages_best_first(service: Service) -> None:
    found = finished(service.extract(ExtractRequest(("b?", "a?"), ("apple", "berry")))).extractions
    assert [(one.label, one.passage, one.start, one.end) for one in found] == [
        ("b?", 1, 0, 5),
        ("b?", 0, 0, 5),
        ("a?", 0, 0, 5),
        ("a?", 1, 0, 5),
    ]
    assert found[0].score > found[1].score


def test_an_unknown_model_is_answered_with_the_nearest_name(service: Service) -> None:
    with pytest.raises(ModelNotFound, match="Did you mean 'all-MiniLM-L6-v2'"):
        finished(service.encode(EncodeRequest(("a",), model="all-minilm-l6")))


def test_a_kind_that_the_model_lacks_is_refused_with_the_kind_that_it_has(service: Service) -> None:
    with pytest.raises(RequestInvalid, match=r"not 'sparse'\. Ask for kind 'dense'"):
        finished(service.encode(EncodeRequest(("a",), kind="sparse")))


@pytest.mark.parametrize(
    "request_",
    [
        EncodeRequest(("a",) * (limits.MAX_TEXTS + 1)),
        ScoreRequest("q", ("é" * (limits.MAX_TEXT_BYTES // 2),)),
        ExtractRequest(("label",) * 300, ("passage",) * 300),
    ],
)
def test_an_oversized_request_is_refused_with_both_numbers(request_: limits.Request, service: Service) -> None:
    with pytest.raises(RequestInvalid, match=r"\d,\d\d\d .* at most \d"):
        limits.check(request_)


def test_the_model_is_absent_then_resident_with_its_footprint(service: Service) -> None:
    before, _, after = service.models()[0], finished(service.ready()), service.models()[0]
    assert (before.state, before.footprint_bytes) == ("absent", 0)
    assert (after.state, after.footprint_bytes) == ("resident", 7)


def test_a_load_that_failed_leaves_the_model_absent_and_is_tried_again(recorder: Recorder) -> None:
    outcomes = [ModelInvalid("m", "it is broken."), None]

    def load() -> Recorder:
        if outcome := outcomes.pop(0):
            raise outcome
        return recorder

    service = Service(load)
    with pytest.raises(ModelInvalid):
        finished(service.ready())
    assert service.models()[0].state == "absent"
    finished(service.ready())


def test_a_missing_library_is_named() -> None:
    def load() -> Recorder:
        raise ImportError("No module named 'torch'")

    with pytest.raises(EngineUnavailable, match="No module named 'torch'"):
        finished(Service(load).ready())


def vector() -> Vector:
    return Vector(np.zeros(25, np.float32), 1)


def test_the_cache_lets_go_of_what_was_unused_the_longest() -> None:
    cache = VectorCache(budget_bytes=2 * (100 + OVERHEAD_BYTES))
    cache.put(b"a", vector())
    cache.put(b"b", vector())
    cache.get(b"a")
    cache.put(b"c", vector())
    assert [name for name in (b"a", b"b", b"c") if cache.get(name)] == [b"a", b"c"]
    assert cache.used_bytes == 2 * (100 + OVERHEAD_BYTES)


def test_putting_the_same_vector_again_counts_it_once() -> None:
    cache = VectorCache()
    cache.put(b"a", vector())
    cache.put(b"a", vector())
    assert cache.used_bytes == 100 + OVERHEAD_BYTES


def test_cache_keys_tell_model_role_and_text_apart() -> None:
    keys = {key("m", "query", "t"), key("m", "passage", "t"), key("n", "query", "t"), key("m", "query", "\udce9")}
    assert len(keys) == 4
