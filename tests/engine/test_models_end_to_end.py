"""Models of every kind through the real shared engine, and through HTTP: what comes out is what the model computes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import numpy as np
import pytest
import torch

from tamis_engine.client import LocalEngine
from tamis_engine.compute.assembly import assemble
from tamis_engine.compute.precision import fastest_dtype
from tamis_engine.errors import ModelInvalid, RequestInvalid
from tamis_engine.models import catalogue
from tamis_engine.models.registry import Registry
from tamis_engine.models.snapshots import Hub
from tamis_engine.models.spec import OperationName
from tamis_engine.operation import Input, LabelledInput, PairInput, Row, TextInput
from tamis_engine.process import shared
from tamis_engine.process.address import here
from tamis_engine.process.shared import Place
from tamis_engine.protocol import EncodeRequest, Engine, ExtractRequest, Loading, ModelStatus, ScoreRequest
from tamis_engine.remote import RemoteEngine
from tests.engine import tiny_models
from tests.engine.compute.checkpoints import rows
from tests.engine.http.conftest import TOKEN
from tests.engine.http.test_served import served
from tests.engine.meeting import engine_at, wait_until_gone
from tests.engine.models.fake_hub import Repository, running_hub

pytestmark = pytest.mark.anyio

CPU = torch.device("cpu")
BUDGET_BYTES = 300_000
"""For four or five of the models; all of them take half a million bytes."""
RERANKER = "qwen3-reranker-0.6b"
"""Of the catalogue, for a language model says nowhere how it is asked."""
QUERY = "what is the engine?"
TEXTS = ("the engine reads a passage, of code.", "Ada lives in London. She works!", "line " * 90)
LABELS = ("who lives in london?", "city")
FOLDERS: dict[str, Callable[[Path], Path]] = {
    "dense": tiny_models.dense,
    "sparse": tiny_models.sparse,
    "multivector": tiny_models.multivector,
    "score": tiny_models.score,
    "sentences": tiny_models.sentences,
    "names": tiny_models.names,
}


@dataclass(frozen=True)
class World:
    """Models in folders, one on a hub, and where the engine is met that knows them."""

    place: Place
    folder: Path
    registry: Registry

    def name(self, kind: str) -> str:
        return RERANKER if kind == "causal" else str(self.folder / kind)

    def computed(self, kind: str, operation: OperationName, inputs: list[Input]) -> list[Row]:
        """By the model itself, without an engine."""
        spec = self.registry.spec(self.name(kind), print)
        return rows(assemble(spec, CPU, fastest_dtype(CPU)).operations[operation], inputs)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("models")
    for kind, make in FOLDERS.items():
        make(folder / kind)
    entry = catalogue.find(RERANKER)
    assert entry
    assert entry.revision
    meeting = Path(tempfile.mkdtemp(prefix="tamis-"))
    place = Place(here(meeting), 60)
    with running_hub() as hub, pytest.MonkeyPatch.context() as patch:
        files = tiny_models.as_published(tiny_models.causal(folder / "causal"))
        hub.repositories[entry.hub] = Repository(files, commit=entry.revision)
        for name, value in {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(folder / "home"),
            "HF_TOKEN_PATH": str(folder / "none"),
            "TAMIS_ENGINE_CACHE": str(folder / "rows"),
            "TAMIS_ENGINE_DEVICE": "cpu",
            "TAMIS_ENGINE_MEMORY": f"{BUDGET_BYTES // 1000}kB",
        }.items():
            patch.setenv(name, value)
        yield World(place, folder, Registry(Hub(hub.url, folder / "home" / "hub")))
        anyio.run(shared.stop, place.address)
        wait_until_gone(place.address)
    shutil.rmtree(meeting)


async def facts(engine: Engine, name: str) -> ModelStatus:
    return next(model for model in await engine.models() if model.name == name)


def near(found: object, expected: object) -> bool:
    exact = fastest_dtype(CPU) == torch.float32
    one, other = np.asarray(found, np.float32), np.asarray(expected, np.float32)
    return one.shape == other.shape and bool(np.abs(one - other).max(initial=0) < (1e-5 if exact else 3e-2))


async def test_a_model_of_the_hub_is_downloaded_and_says_how_far_it_is(world: World) -> None:
    told: list[Loading] = []
    async with engine_at(world.place) as engine:
        assert not (await facts(engine, RERANKER)).on_disk
        await engine.ready(RERANKER, told.append)
        now = await facts(engine, RERANKER)
    assert (now.state, now.on_disk, now.abilities) == ("resident", True, ("score",))
    assert [step.step for step in told][-1] == "loading"
    downloads = [step for step in told if step.step == "downloading"]
    assert all(0 < step.done <= step.total for step in downloads)
    assert downloads[-1].total > 50_000
    assert {step.model for step in told} == {RERANKER}


async def vectors_are_the_models_own(world: World, engine: Engine, kind: str) -> None:
    for role in ("query", "passage"):
        asked = EncodeRequest(TEXTS, world.name(kind), kind=kind, role=role)  # type: ignore[arg-type]
        result = await engine.encode(asked)
        expected = world.computed(kind, kind, [TextInput(text, role) for text in TEXTS])  # type: ignore[arg-type]
        values = [row.values if row.values.ndim > 1 else row.values[None] for row in expected]
        assert near(result.vectors, np.concatenate(values))
        assert result.rows == (() if kind == "dense" else tuple(map(len, values)))
        assert (result.model, result.tokens) == (world.name(kind), tuple(row.tokens for row in expected))
        assert result.truncated == tuple(row.truncated for row in expected)
        assert result.truncated[-1]


async def scores_are_the_models_own(world: World, engine: Engine, kind: str) -> None:
    result = await engine.score(ScoreRequest(QUERY, TEXTS, world.name(kind)))
    expected = world.computed(kind, "score", [PairInput(QUERY, text) for text in TEXTS])
    assert near(result.scores, [row.values for row in expected])
    assert len(set(result.scores.tolist())) == len(TEXTS)


async def spans_are_the_models_own(world: World, engine: Engine, kind: str) -> None:
    result = await engine.extract(ExtractRequest(LABELS, TEXTS, world.name(kind), threshold=0.2))
    found = {(each.passage, each.label, each.start, each.end): each.score for each in result.extractions}
    expected = {
        (passage, LABELS[int(label)], int(start), int(end)): probability
        for passage, row in enumerate(
            world.computed(kind, "extract", [LabelledInput(LABELS, text, threshold=0.2) for text in TEXTS])
        )
        for label, start, end, probability in row.values.tolist()
    }
    assert expected
    assert near([found[span] for span in expected], list(expected.values()))
    assert len(found) == len(expected)


CHECKS = {
    "dense": vectors_are_the_models_own,
    "sparse": vectors_are_the_models_own,
    "multivector": vectors_are_the_models_own,
    "score": scores_are_the_models_own,
    "causal": scores_are_the_models_own,
    "sentences": spans_are_the_models_own,
    "names": spans_are_the_models_own,
}


@pytest.mark.parametrize("kind", CHECKS)
async def test_the_shared_engine_answers_what_the_model_computes(world: World, kind: str) -> None:
    async with engine_at(world.place) as engine:
        await CHECKS[kind](world, engine, kind)
        now = await facts(engine, world.name(kind))
    assert now.footprint_bytes > 30_000
    assert not now.failure


async def test_the_same_answers_come_over_http(world: World) -> None:
    async with (
        served(LocalEngine(partial(shared.opened, world.place))) as url,
        RemoteEngine(url, TOKEN) as far,
        anyio.create_task_group() as tasks,
    ):
        for kind, check in CHECKS.items():
            tasks.start_soon(check, world, far, kind)


async def test_models_take_turns_in_a_memory_too_small_for_all(world: World) -> None:
    names = {world.name(kind) for kind in FOLDERS}
    async with engine_at(world.place) as engine:

        async def in_memory() -> set[str]:
            return names & {model.name for model in await engine.models() if model.state == "resident"}

        gone = names - await in_memory()
        assert gone
        for name in gone:
            await engine.ready(name)
            assert name in await in_memory()
        assert names - await in_memory()
        status = await shared.status(world.place.address)
    assert status
    assert status.numbers["evictions"] >= len(gone)
    assert 0 < status.numbers["held_bytes"] <= status.numbers["budget_bytes"] == BUDGET_BYTES


async def test_a_model_that_is_damaged_is_told_in_a_sentence_and_hurts_nobody_else(world: World) -> None:
    damaged = world.folder / "damaged"
    shutil.copytree(world.folder / "dense", damaged)
    data = (damaged / "model.safetensors").read_bytes()
    (damaged / "model.safetensors").write_bytes(data[:-100])
    async with engine_at(world.place) as engine:
        with pytest.raises(ModelInvalid, match=r"model.safetensors can't be read .* Download the model again"):
            await engine.ready(str(damaged))
        assert "can't be read" in (await facts(engine, str(damaged))).failure
        with pytest.raises(RequestInvalid, match=r"has no sparse vectors\. What it does: dense"):
            await engine.encode(EncodeRequest(("a",), world.name("dense"), kind="sparse"))
        assert (await engine.encode(EncodeRequest(("another text",), world.name("dense")))).vectors.shape == (1, 32)
