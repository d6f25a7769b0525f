from pathlib import Path

import pytest

from tamis_engine import embedded
from tamis_engine.errors import ModelInvalid, ModelNotFound
from tamis_engine.models import catalogue
from tamis_engine.models.registry import Registry
from tamis_engine.models.snapshots import Hub
from tamis_engine.models.spec import Calibration, Normalize, Output, Pool
from tamis_engine.protocol import Loading
from tests.engine.models import folders
from tests.engine.models.fake_hub import FakeHub, Repository
from tests.engine.models.folders import folder_of


def as_bytes(tmp_path: Path, files: folders.Files) -> dict[str, bytes]:
    folder = folder_of(tmp_path / "published", files)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def registry(server: FakeHub, tmp_path: Path) -> Registry:
    return Registry(Hub(server.url, tmp_path / "cache"))


@pytest.fixture
def alone(tmp_path: Path) -> Registry:
    """Without any hub."""
    return Registry(Hub("http://127.0.0.1:9", tmp_path / "cache"))


def test_the_embedded_model_stands_first_then_the_catalogue(alone: Registry) -> None:
    assert alone.known()[0] == embedded.NAME
    assert len(alone.known()) == 1 + len(catalogue.catalogue().models)


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "ALL-minilm-l6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_the_embedded_model_has_all_of_its_names(alone: Registry, name: str) -> None:
    assert alone.canonical(name) == embedded.NAME
    assert alone.facts(name) == embedded.status("absent", embedded.FOOTPRINT_BYTES)


def test_the_embedded_models_spec_is_that_of_its_files(alone: Registry) -> None:
    spec = alone.spec(embedded.NAME, print)
    assert spec.outputs == {"dense": Output((Pool("mean"), Normalize()))}
    assert (spec.dimensions, spec.text.max_tokens) == (embedded.DIMENSIONS, embedded.MAX_TOKENS)
    assert spec.footprint_bytes == embedded.FOOTPRINT_BYTES
    assert spec.calibration == Calibration(8.0, 0.75)
    assert spec.revision == alone.spec(embedded.NAME, print).revision


def test_facts_of_the_catalogue_need_no_network(alone: Registry) -> None:
    facts = alone.facts("BAAI/bge-small-en-v1.5")
    assert (facts.name, facts.dimensions, facts.on_disk) == ("bge-small-en-v1.5", 384, False)
    assert (facts.licence, facts.abilities) == ("MIT", ("dense",))
    assert facts.footprint_bytes > 0


def test_a_model_of_the_catalogue_is_fetched_at_its_revision(
    registry: Registry, server: FakeHub, tmp_path: Path
) -> None:
    entry = catalogue.find("bge-small")
    assert entry
    assert entry.revision
    server.repositories[entry.hub] = Repository(as_bytes(tmp_path, folders.dense()), commit=entry.revision)
    told: list[Loading] = []
    spec = registry.spec("bge-small", told.append)
    assert (spec.name, spec.revision, spec.licence) == (entry.id, entry.revision, "MIT")
    assert {(step.model, step.step) for step in told} == {(entry.id, "downloading")}
    assert told[-1].done == told[-1].total > 0
    assert registry.facts("bge-small").on_disk


def test_a_model_that_is_on_the_disk_is_read_from_there(registry: Registry, server: FakeHub, tmp_path: Path) -> None:
    server.repositories["my/own"] = Repository(as_bytes(tmp_path, folders.projected(48)))
    assert not registry.facts("my/own").on_disk
    spec = registry.spec("my/own", print)
    asked = len(server.asked)
    assert registry.spec("my/own", print) == spec
    facts = registry.facts("my/own")
    assert (facts.dimensions, facts.on_disk, facts.abilities) == (48, True, ("dense",))
    assert len(server.asked) == asked


def test_the_small_files_of_another_model_are_fetched_too(registry: Registry, server: FakeHub, tmp_path: Path) -> None:
    server.repositories["my/gliner"] = Repository(as_bytes(tmp_path / "a", folders.gliner()))
    encoder = as_bytes(tmp_path / "b", folders.deberta() | {"pytorch_model.bin": b"large"})
    server.repositories["microsoft/deberta-v3-small"] = Repository(encoder, commit="d" * 40)
    spec = registry.spec("my/gliner", print)
    assert spec.tokenizer_folder
    assert not (spec.tokenizer_folder / "pytorch_model.bin").exists()
    assert server.fetched().count("pytorch_model.bin") == 1


def test_files_that_name_no_repository_are_refused(registry: Registry, server: FakeHub, tmp_path: Path) -> None:
    server.repositories["my/gliner"] = Repository(as_bytes(tmp_path, folders.gliner(model_name="/home/me/deberta")))
    with pytest.raises(ModelInvalid, match="'/home/me/deberta'"):
        registry.spec("my/gliner", print)


def test_a_folder_is_a_model_too(alone: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path / "mine", folders.dense())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert alone.canonical("~/mine") == alone.canonical(str(tmp_path / "x" / ".." / "mine")) == str(folder)
    assert alone.spec("~/mine", print).folder == folder
    assert alone.facts("~/mine").dimensions == 32


def test_a_folder_that_can_not_be_used_has_no_facts_and_says_why_when_it_is_needed(
    alone: Registry, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "mine", {"README.md": b""})
    assert alone.facts(str(folder)).abilities == ()
    with pytest.raises(ModelInvalid, match=r"config.json is missing"):
        alone.spec(str(folder), print)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bge-smal", "Did you mean 'bge-small'?"),
        ("quite-something-else", "or the path of a folder, which begins with / or ~"),
        ("~/nowhere", "There is no such folder"),
        ("a/b/c", "No model named"),
    ],
)
def test_what_can_be_no_model_is_not_found(alone: Registry, name: str, said: str) -> None:
    with pytest.raises(ModelNotFound, match=said.replace("?", r"\?")):
        alone.facts(name)
    with pytest.raises(ModelNotFound):
        alone.spec(name, print)
