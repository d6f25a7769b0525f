"""Counts for Prometheus, in its text format."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tamis_engine.protocol import ModelStatus

EngineNumbers = Callable[[], Awaitable[Mapping[str, float]]]
"""What only the engine counts, by name."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
Labels = tuple[tuple[str, str], ...]


@dataclass
class _Histogram:
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))
    total_seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.total_seconds += seconds


@dataclass
class Metrics:
    """Of one service. A model's name is a label once it has answered: a client could invent any number of others."""

    open: int = 0
    _requests: Counter[Labels] = field(default_factory=Counter[Labels])
    _tokens: Counter[Labels] = field(default_factory=Counter[Labels])
    _seconds: dict[str, _Histogram] = field(default_factory=lambda: defaultdict(_Histogram))
    _known: set[str] = field(default_factory=set[str])

    def answered(self, operation: str, model: str, tokens: Sequence[int]) -> None:
        """The engine did its work."""
        self._known.add(model)
        if tokens:  # extractions do not tell how many they read
            self._tokens[("operation", operation), ("model", model)] += sum(tokens)

    def ended(self, operation: str, model: str, outcome: str, seconds: float) -> None:
        """However it ended."""
        labels = ("operation", operation), ("model", model if model in self._known else ""), ("outcome", outcome)
        self._requests[labels] += 1
        self._seconds[operation].add(seconds)

    def text(self, models: Sequence[ModelStatus], numbers: Mapping[str, float]) -> str:
        """All of it, a line a number."""
        loaded = [model for model in models if model.state != "absent"]
        lines = [
            *_family("tamis_requests_total", "counter", "Requests by how they ended.", self._requests.items()),
            *_family("tamis_requests_open", "gauge", "Requests under way.", [((), self.open)]),
            *_family("tamis_tokens_total", "counter", "Tokens of what was answered.", self._tokens.items()),
            *self._histograms(),
            *_family(
                "tamis_model_bytes",
                "gauge",
                "What a model in memory takes.",
                [((("model", model.name), ("state", model.state)), model.footprint_bytes) for model in loaded],
            ),
            *_family(
                "tamis_model_waiting",
                "gauge",
                "Requests that wait for a model.",
                [((("model", model.name),), model.waiting) for model in models if model.waiting],
            ),
            # untyped: only the engine knows which of them go down again
            *(_sample(f"tamis_engine_{name}", (), value) for name, value in numbers.items()),
        ]
        return "\n".join(lines) + "\n"

    def _histograms(self) -> Iterator[str]:
        name = "tamis_request_seconds"
        yield f"# HELP {name} How long requests took."
        yield f"# TYPE {name} histogram"
        for operation, histogram in self._seconds.items():
            label, so_far = ("operation", operation), 0
            for bound, count in zip((*BUCKETS_SECONDS, "+Inf"), histogram.buckets, strict=True):
                so_far += count
                yield _sample(f"{name}_bucket", (label, ("le", str(bound))), so_far)
            yield _sample(f"{name}_sum", (label,), histogram.total_seconds)
            yield _sample(f"{name}_count", (label,), so_far)


def _family(name: str, kind: str, about: str, samples: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
