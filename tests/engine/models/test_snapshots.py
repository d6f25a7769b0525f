import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import constants

from tamis_engine.errors import ModelInvalid, ModelNotFound, ModelUnavailable
from tamis_engine.models.refusals import in_sentences
from tamis_engine.models.snapshots import Hub, wanted
from tests.engine.models.fake_hub import FakeHub, Repository

REPO = "some/model"
WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b'{"model": {}}',
    "model.safetensors": WEIGHTS,
    "modeling_model.py": b"raise SystemExit",
    "onnx/model.safetensors": b"again",
    "README.md": b"words",
}


def nobody(_done: int, _total: int) -> None:
    pass


@pytest.fixture
def hub(server: FakeHub, tmp_path: Path) -> Hub:
    server.repositories[REPO] = Repository(dict(FILES))
    return Hub(server.url, tmp_path / "cache")


def test_only_what_is_read_is_fetched_and_never_code(hub: Hub, server: FakeHub) -> None:
    folder = hub.fetch(REPO, None, nobody)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"config.json", "tokenizer.json", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_old_weights_are_fetched_only_where_a_folder_has_no_others() -> None:
    both = ["pytorch_model.bin", "model.safetensors", "2_Dense/pytorch_model.bin", "training_args.bin"]
    assert wanted(both) == ["model.safetensors", "2_Dense/pytorch_model.bin"]
    assert wanted(["pytorch_model.bin", "sparse_linear.pt", "optimizer.pt", "tf_model.h5", "flax_model.msgpack"]) == [
        "pytorch_model.bin",
        "sparse_linear.pt",
    ]


def test_progress_is_told_in_bytes_to_the_end(hub: Hub) -> None:
    told: list[tuple[int, int]] = []
    hub.fetch(REPO, None, lambda done, total: told.append((done, total)))
    total = sum(len(FILES[name]) for name in ("config.json", "tokenizer.json", "model.safetensors"))
    assert told[-1] == (total, total)
    assert told == sorted(told)


def test_the_first_commit_that_was_used_is_used_from_then_on_without_a_network(hub: Hub, server: FakeHub) -> None:
    first = hub.fetch(REPO, None, nobody)
    server.repositories[REPO] = Repository({"config.json": b"other"}, commit="d" * 40)
    asked = len(server.asked)
    assert hub.fetch(REPO, None, nobody) == first == hub.on_disk(REPO, None)
    assert len(server.asked) == asked


def test_what_others_removed_from_the_cache_is_fetched_again(hub: Hub) -> None:
    folder = hub.fetch(REPO, None, nobody)
    (folder / "model.safetensors").resolve().unlink()
    assert hub.on_disk(REPO, None) is None
    assert hub.fetch(REPO, None, nobody) == folder
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_repository_without_any_file_of_a_model_is_refused(hub: Hub, server: FakeHub) -> None:
    server.repositories[REPO] = Repository({"README.md": b"a data set"})
    with pytest.raises(ModelInvalid, match="holds no files of a model"):
        hub.fetch(REPO, None, nobody)


def test_another_revision_is_fetched_beside_the_first(hub: Hub, server: FakeHub) -> None:
    first = hub.fetch(REPO, None, nobody)
    server.repositories[REPO] = Repository(dict(FILES), commit="d" * 40)
    assert hub.on_disk(REPO, "d" * 40) is None
    assert hub.fetch(REPO, "d" * 40, nobody).name == "d" * 40
    assert (first / "model.safetensors").read_bytes() == WEIGHTS


def test_nothing_counts_as_there_before_all_of_it_is(hub: Hub, server: FakeHub) -> None:
    server.repositories[REPO].gated = True
    with pytest.raises(ModelUnavailable):
        hub.fetch(REPO, None, nobody)
    assert hub.on_disk(REPO, None) is None


def test_a_connection_that_drops_is_taken_up_where_it_broke(
    hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)
    server.repositories[REPO].drops_after = 1000
    folder = hub.fetch(REPO, None, nobody)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    ranges = [range_ for method, path, range_ in server.asked if method == "GET" and path.endswith("safetensors")]
    assert ranges == ["", "bytes=1000-"]


def test_what_was_fetched_before_a_download_failed_is_not_fetched_again(hub: Hub, server: FakeHub) -> None:
    server.repositories[REPO].lost = ("tokenizer.json",)
    with pytest.raises(ModelUnavailable, match="answers 404"):
        hub.fetch(REPO, None, nobody)
    assert hub.on_disk(REPO, None) is None
    server.repositories[REPO].lost = ()
    fetched = server.fetched().count("model.safetensors")
    hub.fetch(REPO, None, nobody)
    assert server.fetched().count("model.safetensors") == fetched


def test_a_gated_model_says_where_its_licence_is_accepted(hub: Hub, server: FakeHub) -> None:
    server.repositories[REPO].gated = True
    with pytest.raises(ModelUnavailable, match=r"Accept its licence on https://huggingface.co/some/model .* HF_TOKEN"):
        hub.fetch(REPO, None, nobody)


def test_the_token_of_the_environment_is_sent(hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    server.repositories[REPO].gated = True
    hub.fetch(REPO, None, nobody)
    assert set(server.tokens) == {"Bearer hf_mine"}


def test_a_model_that_is_nowhere_is_not_found(hub: Hub) -> None:
    with pytest.raises(ModelNotFound, match="no/such"):
        hub.fetch("no/such", None, nobody)


def test_a_revision_that_is_gone_says_so(hub: Hub) -> None:
    with pytest.raises(ModelUnavailable, match="does not have the revision"):
        hub.fetch(REPO, "e" * 40, nobody)


@pytest.mark.parametrize(("status", "said"), [(403, "token"), (503, "answers 503")])
def test_a_hub_that_refuses_is_named_with_what_to_do(hub: Hub, server: FakeHub, status: int, said: str) -> None:
    server.status = status
    with pytest.raises(ModelUnavailable, match=said):
        hub.fetch(REPO, None, nobody)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/disk/blob"), "disk is full. Make room"),
        (PermissionError(errno.EACCES, "Permission denied", "/disk/blob"), r"/disk/blob can't be written \(Permission"),
    ],
)
def test_a_disk_that_refuses_is_not_taken_for_the_network(error: OSError, said: str) -> None:
    with pytest.raises(ModelUnavailable, match=said), in_sentences(REPO):
        raise error


def test_without_a_network_the_sentence_says_what_to_check(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"can't be reached .* Check the network"):
        Hub("http://127.0.0.1:9", tmp_path).fetch(REPO, None, nobody)
    huggingface_hub.close_session()


def test_a_file_that_is_not_what_was_published_is_refused(hub: Hub, server: FakeHub) -> None:
    server.repositories[REPO].sends = {"config.json": b"[]"}
    with pytest.raises(ModelUnavailable, match=r"config.json is not what the hub published. Delete"):
        hub.fetch(REPO, None, nobody)
    assert hub.on_disk(REPO, None) is None


def test_weights_of_the_right_size_and_other_bytes_are_refused(hub: Hub, server: FakeHub) -> None:
    server.repositories[REPO].sends = {"model.safetensors": WEIGHTS[::-1]}
    with pytest.raises(ModelUnavailable, match=r"model.safetensors is not what"):
        hub.fetch(REPO, None, nobody)


def test_a_disk_without_room_is_known_before_anything_is_fetched(
    hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ModelUnavailable, match=r"0.0 GB free. Make room, or set HF_HOME"):
        hub.fetch(REPO, None, nobody)
    assert server.fetched() == []


def test_texts_alone_leave_the_weights_where_they_are(hub: Hub, server: FakeHub) -> None:
    folder = hub.fetch(REPO, None, nobody, texts_only=True)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "tokenizer.json"]
    assert hub.on_disk(REPO, None) is None
    hub.fetch(REPO, None, nobody)
    assert hub.on_disk(REPO, None, texts_only=True) == hub.on_disk(REPO, None) == folder


def in_a_process(server: FakeHub, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    program = f"""
from tamis_engine.models.refusals import in_sentences
from tamis_engine.models.snapshots import Hub
try:
    print(Hub().fetch({REPO!r}, None, lambda done, total: None))
except Exception as error:
    print(type(error).__name__, error)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_HOME": str(home), "HF_ENDPOINT": server.url, "HF_HUB_DISABLE_TELEMETRY": "1"} | more
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=True, stdin=subprocess.DEVNULL
    )


def test_the_environment_says_where_from_where_to_and_whether_at_all(server: FakeHub, tmp_path: Path) -> None:
    server.repositories[REPO] = Repository(dict(FILES))
    offline = {"HF_HUB_OFFLINE": "1"}
    refused = in_a_process(server, tmp_path, **offline).stdout
    assert refused.startswith("ModelUnavailable")
    assert "HF_HUB_OFFLINE keeps Tamis from fetching" in refused
    assert server.asked == []

    folder = Path(in_a_process(server, tmp_path).stdout.strip())
    assert folder.is_relative_to(tmp_path)
    assert json.loads((folder / "config.json").read_text(encoding="utf-8")) == {}

    asked = len(server.asked)
    assert in_a_process(server, tmp_path, **offline).stdout.strip() == str(folder)
    assert len(server.asked) == asked


def test_what_another_program_left_in_the_cache_is_used_without_a_network(
    hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = huggingface_hub.snapshot_download(REPO, cache_dir=hub.cache, endpoint=hub.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hub.fetch(REPO, None, nobody) == Path(folder)


def test_half_of_a_model_left_in_the_cache_is_not_used(
    hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.repositories[REPO].lost = ("tokenizer.json",)
    with pytest.raises(huggingface_hub.errors.EntryNotFoundError):
        huggingface_hub.snapshot_download(REPO, cache_dir=hub.cache, endpoint=hub.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE"):
        hub.fetch(REPO, None, nobody)
