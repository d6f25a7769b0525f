"""Whole models in the kernel: what torch's are, as near as int8 allows; and what is left to torch."""

import dataclasses
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pytest
import torch

from tamis_engine import native
from tamis_engine.compute.assembly import assemble
from tamis_engine.errors import ModelInvalid, RequestInvalid
from tamis_engine.models.spec import Dense, LayerNorm, Output, Pool, Prompts, Spec, Text
from tamis_engine.native.model import NativeModel, fits, load_model
from tamis_engine.operation import Model, Operation, PairInput, TextInput
from tests.engine.native.conftest import Kernels
from tests.engine.native.tiny import new_spec

TEXTS = [part for name in sorted(topics) for part in topics[name].split("\n\n") if len(part) > 60][:400:4]
PAIRS = [PairInput(query[:200], passage) for query, passage in pairwise(TEXTS[:12])]


def encoded(model: Model, texts: list[str] = TEXTS) -> np.ndarray:
    return rows(model.operations["dense"], [TextInput(text) for text in texts])


def rows(operation: Operation, inputs: list) -> np.ndarray:
    tokenised = operation.tokenise(inputs)
    pieces = [each.pieces[0] for each in tokenised]
    outputs = operation.forward(pieces)
    joined = zip(inputs, tokenised, outputs, strict=True)
    return np.array([operation.join(asked, each, [output]).values for asked, each, output in joined])


def reference(spec: Spec) -> Model:
    return assemble(spec, torch.device("cpu"), torch.float32)


def models(kernels: Kernels, spec: Spec, precision: str) -> list[NativeModel]:
    return [load_model(spec, 2, precision, kernel) for kernel in kernels.values()]


def fastest(kernels: Kernels) -> Kernels:
    return dict(list(kernels.items())[:1])


def test_the_embedded_model_in_float32_is_that_of_torch(kernels: Kernels, embedded_spec: Spec) -> None:
    for model in models(fastest(kernels), embedded_spec, "float32"):
        np.testing.assert_allclose(encoded(model), encoded(reference(embedded_spec)), atol=1e-5)


def test_the_embedded_model_in_int8_agrees_with_float32(kernels: Kernels, embedded_spec: Spec) -> None:
    for model in models(fastest(kernels), embedded_spec, "int8"):
        exact, fast = encoded(reference(embedded_spec)), encoded(model)
        pairs = np.triu_indices(len(exact), 1)
        orders = [(values @ values.T)[pairs].argsort().argsort() for values in (exact, fast)]
        assert (exact * fast).sum(axis=1).mean() >= 0.997
        assert np.corrcoef(orders)[0, 1] >= 0.997
        assert model.footprint_bytes < 40_000_000


@pytest.mark.parametrize("mode", ["cls", "mean", "max", "last_token"])
def test_every_pooling_is_that_of_torch(kernels: Kernels, tmp_path: Path, mode: str) -> None:
    spec = dataclasses.replace(
        new_spec(tmp_path, vocab_size=30522, hidden_size=32),
        outputs={"dense": Output((Pool(mode, include_prompt=False),))},
        text=Text(64, prompts=Prompts(passage="passage: ")),
        dimensions=32,
    )
    for model in models(kernels, spec, "float32"):
        np.testing.assert_allclose(encoded(model), encoded(reference(spec)), atol=1e-4)


def test_a_dense_layer_is_that_of_torch(kernels: Kernels, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(1)
    weights = {"linear.weight": rng.normal(size=(5, 48)), "linear.bias": rng.normal(size=5)}
    save_file({name: value.astype(np.float32) for name, value in weights.items()}, tmp_path / "dense.safetensors")
    steps = (Pool("mean"), Dense("dense.safetensors", "Tanh"))
    spec = new_spec(tmp_path, vocab_size=30522)
    spec = dataclasses.replace(spec, outputs={"dense": Output(steps)}, dimensions=5)
    for model in models(kernels, spec, "float32"):
        np.testing.assert_allclose(encoded(model), encoded(reference(spec)), atol=1e-4)


def test_a_cross_encoder_is_that_of_torch(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path, head="sequence_classification", vocab_size=30522, num_labels=1)
    expected = rows(reference(spec).operations["score"], PAIRS)
    assert np.ptp(expected) > 0.05
    for model in models(kernels, spec, "float32"):
        np.testing.assert_allclose(rows(model.operations["score"], PAIRS), expected, atol=1e-4)


def test_an_operation_refuses_inputs_of_another(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path, head="sequence_classification", vocab_size=30522, num_labels=1)
    for model in models(kernels, spec, "int8"):
        with pytest.raises(RequestInvalid, match="pairs"):
            model.operations["score"].tokenise([TextInput("a")])


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_act": "relu"},
        {"model_type": "roberta"},
        {"position_embedding_type": "relative_key"},
        {"num_attention_heads": 7},
        {"num_hidden_layers": 3},
        {"num_hidden_layers": 1},
        {"intermediate_size": 95},
        {"hidden_size": None},
    ],
    ids=str,
)
def test_other_networks_are_left_to_torch(tmp_path: Path, changes: dict[str, object]) -> None:
    spec = new_spec(tmp_path)
    assert fits(spec)
    network = dataclasses.replace(spec.network, config={**spec.network.config, **changes})
    assert not fits(dataclasses.replace(spec, network=network))


@pytest.mark.parametrize(
    "output",
    [
        Output((Pool("mean"), LayerNorm("norm.safetensors"))),
        Output((Dense("a.bin"),)),
        Output((Pool("mean"),), (Pool("cls"),)),
    ],
    ids=["other steps", "no pooling", "queries by another way"],
)
def test_other_steps_are_left_to_torch(tmp_path: Path, output: Output) -> None:
    assert not fits(dataclasses.replace(new_spec(tmp_path), outputs={"dense": output}))


def test_files_that_do_not_fit_are_left_to_torch_to_refuse(tmp_path: Path) -> None:
    spec = new_spec(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0not json")
    assert not fits(spec)
    assert not native.serves(spec)
    with pytest.raises(ModelInvalid, match="kernel"):
        native.load(spec, 1)


def test_weights_in_bfloat16_are_left_to_torch(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    spec = new_spec(tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({name: tensor.bfloat16() for name, tensor in load_file(path).items()}, path)
    assert not fits(spec)


def test_neither_torch_nor_transformers_is_imported(embedded_spec: Spec) -> None:
    program = (
        "import sys; from tamis_engine import native; import tamis_engine.native.model; native.available();"
        "print([name for name in ('torch', 'transformers', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
