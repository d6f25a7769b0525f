"""A spec becomes a model in memory, or a sentence that says why not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoModelForMaskedLM

from tamis_engine.compute.assembly import assemble
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import (
    ClassHead,
    Dense,
    Idf,
    LayerNorm,
    LogitPick,
    Network,
    Normalize,
    Output,
    Pool,
    Spec,
    Splade,
    StaticBag,
    Step,
    Text,
    TokenVectors,
)
from tests.engine.compute.checkpoints import bert, saved, spec_of, vectors, word_pieces

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("bert"), AutoModel, bert(), word_pieces())


def test_several_outputs_share_one_network(folder: Path) -> None:
    save_file({"linear.weight": torch.eye(32)[:8].contiguous()}, folder / "eye.safetensors")
    alone = spec_of(folder, {"dense": [Pool("cls")]}, Text(64))
    both = spec_of(folder, {"dense": [Pool("cls")], "multivector": [TokenVectors("eye.safetensors")]}, Text(64))
    one, two = (assemble(spec, CPU, torch.float32).footprint_bytes for spec in (alone, both))
    assert two - one == 8 * 32 * 4


def test_a_batch_is_smaller_where_logits_are_wide(tmp_path: Path, folder: Path) -> None:
    mlm = saved(tmp_path, AutoModelForMaskedLM, bert(), word_pieces())
    wide = assemble(spec_of(mlm, {"sparse": [Splade()]}, Text(64), "masked_lm"), CPU, torch.float32)
    narrow = assemble(spec_of(folder, {"dense": [Pool("cls")]}, Text(64)), CPU, torch.float32)
    assert narrow.batch_tokens == 2048
    assert wide.batch_tokens < narrow.batch_tokens


def test_parking_on_a_cpu_changes_nothing(folder: Path) -> None:
    model = assemble(spec_of(folder, {"dense": [Pool("cls")]}, Text(64)), CPU, torch.float32)
    (before,) = vectors(model.operations["dense"], ["line"])
    model.park()
    model.unpark()
    (after,) = vectors(model.operations["dense"], ["line"])
    assert (before == after).all()


def test_a_dtype_that_a_model_can_not_take_is_not_used(folder: Path) -> None:
    spec = spec_of(folder, {"dense": [Pool("cls")]}, Text(64))
    half = assemble(spec, CPU, torch.bfloat16).footprint_bytes
    assert assemble(replace(spec, forbidden_dtypes=("bfloat16",)), CPU, torch.bfloat16).footprint_bytes > 1.9 * half


def test_vectors_are_float32_whatever_is_computed_with(folder: Path) -> None:
    spec = spec_of(folder, {"dense": [Pool("mean"), Normalize()]}, Text(64))
    (found,) = vectors(assemble(spec, CPU, torch.bfloat16).operations["dense"], ["line"])
    assert found.dtype == "float32"
    assert abs((found**2).sum() - 1) < 1e-5


UNKNOWN: list[dict[Any, list[Step]]] = [
    {"dense": [Normalize()]},
    {"dense": [StaticBag("eye.safetensors"), Pool("cls")]},
    {"sparse": [Pool("cls")]},
    {"multivector": [Pool("cls")]},
    {"score": [ClassHead()]},
    {"score": [LogitPick("yes")]},
    {"dense": [Pool("cls"), Splade()]},
]


@pytest.mark.parametrize("steps", UNKNOWN, ids=str)
def test_steps_that_make_no_operation_are_refused(folder: Path, steps: dict[Any, list[Step]]) -> None:
    save_file({"embedding.weight": torch.eye(8)}, folder / "eye.safetensors")
    with pytest.raises(ModelInvalid, match=r"made of|can't stand"):
        assemble(spec_of(folder, steps, Text(64)), CPU, torch.float32)


def test_queries_that_go_an_unknown_way_are_refused(tmp_path: Path) -> None:
    mlm = saved(tmp_path, AutoModelForMaskedLM, bert(), word_pieces())
    spec = spec_of(mlm, {}, Text(64), "masked_lm")
    for query, said in (((Pool("cls"),), "made of Splade > Pool"), ((Idf("idf.json"),), "idf.json can't be read")):
        with pytest.raises(ModelInvalid, match=said):
            assemble(replace(spec, outputs={"sparse": Output((Splade(),), query)}), CPU, torch.float32)


def test_a_table_has_no_network(folder: Path) -> None:
    network = Network({}, ("model.safetensors",), "static")
    spec = Spec("static", folder, "1", network, Text(64), {"dense": Output((Pool("mean"),))})
    with pytest.raises(ModelInvalid, match="static network is made of Pool"):
        assemble(spec, CPU, torch.float32)


@pytest.mark.parametrize(
    ("step", "tensors", "said"),
    [
        (Dense("head.safetensors"), {"linear.weight": torch.ones(4, 32)}, "linear.bias is missing"),
        (Dense("head.safetensors"), {"linear.weight": torch.ones(4), "linear.bias": torch.ones(4)}, "two axes"),
        (Dense("head.safetensors"), {"linear.weight": torch.ones(4, 32), "linear.bias": torch.ones(3)}, "do not fit"),
        (Dense("head.safetensors", "Magic", bias=False), {"linear.weight": torch.ones(4, 32)}, "'Magic'"),
        (LayerNorm("head.safetensors"), {"norm.weight": torch.ones(32)}, "norm.bias is missing"),
        (LayerNorm("none.safetensors"), {}, "none.safetensors can't be read"),
    ],
)
def test_weights_of_a_head_that_do_not_fit_are_refused(
    folder: Path, step: Step, tensors: dict[str, torch.Tensor], said: str
) -> None:
    save_file(tensors, folder / "head.safetensors")
    with pytest.raises(ModelInvalid, match=said):
        assemble(spec_of(folder, {"dense": [Pool("cls"), step]}, Text(64)), CPU, torch.float32)


def test_a_late_interaction_model_needs_its_marker_and_its_mask(folder: Path, tmp_path: Path) -> None:
    spec = spec_of(folder, {"multivector": [TokenVectors(query_marker="[Q] ")]}, Text(64))
    with pytest.raises(ModelInvalid, match=r"'\[Q\] ' is not a token"):
        assemble(spec, CPU, torch.float32)
    tokenizer = word_pieces()
    tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    spec = spec_of(folder, {"multivector": [TokenVectors(expand_query_to=8)]}, Text(64))
    with pytest.raises(ModelInvalid, match="mask tokens"):
        assemble(replace(spec, tokenizer_folder=tmp_path), CPU, torch.float32)
