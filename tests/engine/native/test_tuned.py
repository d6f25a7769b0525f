"""Models saved as what was tuned of the embedded encoder: the whole network is there, tuned where it was tuned."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForQuestionAnswering

from tamis_engine import embedded
from tamis_engine.compute.assembly import assemble
from tamis_engine.compute.networks import load_network
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.registry import Registry
from tamis_engine.models.spec import AnswerSpan, Output, Spec
from tamis_engine.native.model import fits, load_model
from tamis_engine.operation import LabelledInput, Model
from tests.engine.compute.extracted import answer
from tests.engine.native.conftest import Kernels

LAYER = "bert.encoder.layer.5."
SAID: dict[str, Any] = {
    "architectures": ["BertForQuestionAnswering"],
    "tuned_from": embedded.NAME,
    "max_length": 384,
}


def nothing(_: object) -> None:
    """Takes a progress report."""


@pytest.fixture(scope="module")
def whole() -> BertForQuestionAnswering:
    """The encoder, its last layer tuned by lot, with a head; rounded as it is stored."""
    torch.manual_seed(3)
    config = json.loads((embedded.FOLDER / "config.json").read_text(encoding="utf-8"))
    network = BertForQuestionAnswering(BertConfig(**config))
    state = load_file(embedded.FOLDER / "model.safetensors")
    network.bert.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=False)
    for name, parameter in network.named_parameters():
        if name.startswith((LAYER, "qa_outputs")):
            matrix, scale = packed(parameter.data + 0.02 * torch.randn(parameter.shape))
            parameter.data = matrix.float() if scale is None else matrix.float() * scale[:, None]
    return network.eval()


def packed(tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    if tensor.ndim == 1 or len(tensor) == 2:
        return tensor.half(), None
    scale = tensor.abs().amax(dim=1) / 127
    return (tensor / scale[:, None]).round().to(torch.int8), scale


@pytest.fixture
def folder(whole: BertForQuestionAnswering, tmp_path: Path) -> Path:
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in whole.state_dict().items():
        if name.startswith((LAYER, "qa_outputs")):
            tensors[name], scale = packed(tensor)
            tensors |= {} if scale is None else {f"{name}.scale": scale}
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(SAID), encoding="utf-8")
    return tmp_path


@pytest.fixture
def spec(folder: Path) -> Spec:
    return Registry().spec(str(folder), nothing)


def rows(model: Model) -> np.ndarray:
    asked = LabelledInput(("Who lives in London?",), "Ada lives in London. The company works in Paris.", threshold=0.0)
    (row,) = answer(model.operations["extract"], asked)
    return row.values


def test_it_is_an_ordinary_reader_of_answers_with_the_encoders_tokenizer(spec: Spec) -> None:
    assert spec.outputs == {"extract": Output((AnswerSpan(),))}
    assert spec.tokenizer_folder == embedded.FOLDER
    assert spec.text.max_tokens == 384
    assert spec.footprint_bytes > embedded.FOOTPRINT_BYTES


def test_its_network_is_the_encoder_where_nothing_was_tuned(spec: Spec, whole: BertForQuestionAnswering) -> None:
    loaded, expected = load_network(spec, torch.float32).state_dict(), whole.state_dict()
    assert loaded.keys() == expected.keys()
    for name, tensor in loaded.items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=1e-5)


def test_the_kernel_reads_it_as_torch_does(spec: Spec, kernels: Kernels) -> None:
    assert fits(spec)
    expected = rows(assemble(spec, torch.device("cpu"), torch.float32))
    for kernel in kernels.values():
        np.testing.assert_allclose(rows(load_model(spec, 2, "float32", kernel)), expected, atol=1e-3)


def test_a_tensor_that_is_not_the_networks_is_refused_by_name(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {"bert.encoder.layer.6.output.dense.bias": torch.zeros(384)}, folder / "model.safetensors")
    spec = Registry().spec(str(folder), nothing)
    assert not fits(spec)
    with pytest.raises(ModelInvalid, match=r"layer\.6\.output\.dense\.bias is not part of the network"):
        load_network(spec, torch.float32)


def test_what_was_tuned_of_a_model_that_is_not_at_hand_is_refused(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    shutil.copy(folder / "model.safetensors", other)
    (other / "config.json").write_text(json.dumps(SAID | {"tuned_from": "/some/where"}), encoding="utf-8")
    with pytest.raises(ModelInvalid, match="'/some/where'"):
        Registry().spec(str(other), nothing)


def test_another_encoder_below_it_makes_it_another_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Registry().spec(str(folder), nothing).revision
    copy = folder.parent / f"{folder.name}-encoder"
    shutil.copytree(embedded.FOLDER, copy)
    (copy / "config.json").write_text((copy / "config.json").read_text(encoding="utf-8") + "\n", encoding="utf-8")
    monkeypatch.setattr(embedded, "FOLDER", copy)
    assert Registry().spec(str(folder), nothing).revision != before
