import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from tamis_engine import embedded
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.resolution import resolve


def shipped(name: str) -> dict[str, object]:
    return json.loads((embedded.FOLDER / name).read_text(encoding="utf-8"))


def test_every_shipped_file_has_its_recorded_hash_and_nothing_else_is_shipped() -> None:
    hashes = shipped("hashes.json")["shipped"]
    files = [path for path in embedded.FOLDER.rglob("*") if path.is_file() and path.name != "hashes.json"]
    found = {
        path.relative_to(embedded.FOLDER).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    assert found == hashes


def test_the_hash_of_the_original_is_the_one_that_the_script_demands() -> None:
    script = (Path(__file__).parents[2] / "scripts" / "embed_model.py").read_text(encoding="utf-8")
    assert str(shipped("hashes.json")["original"]["model.safetensors"]) in script


def test_the_licence_travels_with_the_weights() -> None:
    assert "Apache License" in (embedded.FOLDER / "LICENSE").read_text(encoding="utf-8")


def test_the_stated_facts_are_those_of_the_files() -> None:
    assert shipped("config.json")["hidden_size"] == embedded.DIMENSIONS
    assert shipped("sentence_bert_config.json")["max_seq_length"] == embedded.MAX_TOKENS
    assert shipped("1_Pooling/config.json")["pooling_mode_mean_tokens"] is True


def missing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def not_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x80\x04pickle?")


def not_json(folder: Path) -> None:
    (folder / "config.json").write_text("{", encoding="utf-8")


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")


def one_less(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.5.output.dense.bias"]
    save_file(weights, folder / "model.safetensors")


def one_more(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["experts"] = weights["embeddings.LayerNorm.bias"].copy()
    save_file(weights, folder / "model.safetensors")


def other_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 1024}), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (missing, "model.safetensors"),
        (not_safetensors, "model.safetensors"),
        (not_json, "config.json"),
        (no_tokenizer, "tokenizer"),
        (one_less, "output.dense.bias"),
        (one_more, "experts"),
        (other_shape, "intermediate|shape"),
    ],
)
def test_a_damaged_model_is_refused_with_the_reason(
    damage: Callable[[Path], None], reason: str, tmp_path: Path
) -> None:
    import torch

    from tamis_engine.compute.assembly import assemble

    folder = Path(shutil.copytree(embedded.FOLDER, tmp_path / embedded.NAME))
    damage(folder)
    with pytest.raises(ModelInvalid, match=reason):
        assemble(resolve(embedded.NAME, folder, None), torch.device("cpu"), torch.float32)
