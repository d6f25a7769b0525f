import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.modeling_utils import PreTrainedModel

from tamis_engine.compute.backbone import load_backbone, tensors_of
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import Head, Network, Spec
from tests.engine.compute.tiny import alone, config_of, new_model, saved, some_pieces, spec_of

CPU = torch.device("cpu")


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    return saved(new_model(config_of("bert")), tmp_path)


def weights_of(spec: Spec) -> dict[str, torch.Tensor]:
    return load_file(spec.folder / "model.safetensors")


def with_weights(spec: Spec, weights: dict[str, torch.Tensor], **network: Any) -> Spec:
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, spec.folder / "changed.safetensors")
    given = {"config": spec.network.config, "weights": ("changed.safetensors",), **network}
    return spec_of(spec.folder, Network(**given))


def states(spec: Spec) -> torch.Tensor:
    return load_backbone(spec, CPU, torch.float32).states(some_pieces())[0].values


def test_a_missing_weight_is_refused(spec: Spec) -> None:
    weights = weights_of(spec)
    del weights["encoder.layer.1.output.dense.bias"]
    with pytest.raises(ModelInvalid, match=r"do not fit BertModel: encoder.layer.1.output.dense.bias is missing\."):
        states(with_weights(spec, weights))


def test_a_weight_too_many_is_refused(spec: Spec) -> None:
    weights = weights_of(spec) | {"encoder.layer.7.experts.weight": torch.zeros(2)}
    with pytest.raises(ModelInvalid, match=r"encoder\.layer\.7\.experts\.weight is not part of the network"):
        states(with_weights(spec, weights))


def test_a_weight_of_another_shape_is_refused(spec: Spec) -> None:
    weights = weights_of(spec) | {"encoder.layer.1.output.dense.bias": torch.zeros(31)}
    with pytest.raises(ModelInvalid, match=r"encoder.layer.1.output.dense.bias has shape \(31,\), expected \(32,\)"):
        states(with_weights(spec, weights))


def test_many_wrong_weights_are_three_and_a_number(spec: Spec) -> None:
    with pytest.raises(ModelInvalid, match="and 50 more"):
        states(with_weights(spec, {}))


def test_weights_known_to_be_absent_or_of_no_use_are_let_pass(spec: Spec) -> None:
    weights = weights_of(spec) | {"extra.scale": torch.zeros(2)}
    del weights["encoder.layer.1.output.dense.bias"]
    states(with_weights(spec, weights, may_miss=(r"dense\.bias$",), may_ignore=(r"^extra\.",)))


def test_the_pooler_of_a_backbone_is_of_no_use(spec: Spec) -> None:
    weights = weights_of(spec)
    assert "pooler.dense.weight" in weights
    without = {name: tensor for name, tensor in weights.items() if "pooler" not in name}
    assert torch.equal(states(spec), states(with_weights(spec, without)))


def test_a_prefix_is_stripped_and_what_lies_outside_is_left_to_the_heads(spec: Spec) -> None:
    weights = {f"ranking_model.{name}": tensor for name, tensor in weights_of(spec).items()}
    weights["pruning_head.classifier.weight"] = torch.zeros(2, 32)
    assert torch.equal(states(spec), states(with_weights(spec, weights, prefix="ranking_model.")))


def test_weights_are_renamed(spec: Spec) -> None:
    weights = {name.replace("encoder.layer.", "blocks."): tensor for name, tensor in weights_of(spec).items()}
    found = states(with_weights(spec, weights, renames=((r"^blocks\.", "encoder.layer."),)))
    assert torch.equal(states(spec), found)


def test_a_backbone_is_taken_out_of_a_model_with_a_head(tmp_path: Path) -> None:
    model = new_model(config_of("modernbert"), "masked_lm")
    pieces = some_pieces()
    (found,) = load_backbone(saved(model, tmp_path), CPU, torch.float32).states(pieces)
    expected = alone(model, pieces, lambda output: output.hidden_states[-1])
    assert (found.values - torch.cat(expected)).abs().max() < 1e-4


def test_tied_weights_need_be_there_but_once(tmp_path: Path) -> None:
    spec = saved(new_model(config_of("qwen3", tie_word_embeddings=True), "causal_lm"), tmp_path, "causal_lm")
    assert "lm_head.weight" not in weights_of(spec)
    backbone = load_backbone(spec, CPU, torch.float32)
    assert backbone.last_logits(some_pieces(), [5]).shape == (10, 1)
    assert backbone.footprint_bytes < 1.1 * (spec.folder / "model.safetensors").stat().st_size


def test_a_head_that_the_files_lack_is_refused(tmp_path: Path) -> None:
    spec = saved(new_model(config_of("bert")), tmp_path, "sequence_classification")
    with pytest.raises(ModelInvalid, match=r"classifier\.bias is missing"):
        states(spec)


def test_shards_are_read_through_their_index(spec: Spec) -> None:
    weights = weights_of(spec)
    names = sorted(weights)
    index = {}
    for shard, part in (("one.safetensors", names[::2]), ("two.safetensors", names[1::2])):
        save_file({name: weights[name] for name in part}, spec.folder / shard)
        index |= dict.fromkeys(part, shard)
    (spec.folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}), encoding="utf-8")
    sharded = spec_of(spec.folder, Network(spec.network.config, ("model.safetensors.index.json",)))
    assert torch.equal(states(spec), states(sharded))


@pytest.mark.parametrize("zipped", [True, False])
def test_pickled_tensors_are_read(spec: Spec, zipped: bool) -> None:
    torch.save(weights_of(spec), spec.folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    assert torch.equal(states(spec), states(spec_of(spec.folder, Network(spec.network.config, ("pytorch_model.bin",)))))


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("run",))


def test_a_pickle_that_would_run_code_is_refused(spec: Spec, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weight": Harmful()}, spec.folder / "harmful.bin")
    with pytest.raises(ModelInvalid, match=r"harmful.bin can't be read: [^\n]* Tamis runs no code"):
        tensors_of(spec, "harmful.bin")
    assert "run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["absent.safetensors", "config.json", "absent.bin", "absent.index.json"])
def test_files_that_are_no_weights_are_refused(spec: Spec, name: str) -> None:
    with pytest.raises(ModelInvalid, match=rf"{name} can't be read"):
        tensors_of(spec, name)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "unheard-of"}, "'unheard-of' is not one that transformers knows"),
        ({"model_type": "bert", "quantization_config": {"quant_method": "gptq"}}, "quantised"),
        ({"model_type": "bert", "hidden_size": 30}, "can't build its network"),
        ({"model_type": "bert", "hidden_size": "many"}, "does not fit 'bert'"),
        ({"model_type": "clip"}, "no question answering network for 'clip'"),
    ],
)
def test_a_config_that_is_no_use_is_refused(spec: Spec, config: dict[str, Any], says: str) -> None:
    head: Head = "question_answering" if config["model_type"] == "clip" else "none"
    with pytest.raises(ModelInvalid, match=says):
        states(spec_of(spec.folder, Network(config, ("model.safetensors",), head)))


def test_code_that_the_files_bring_is_never_run(spec: Spec) -> None:
    config = {**spec.network.config, "auto_map": {"AutoModel": "modeling.Harmful"}}
    assert torch.equal(states(spec), states(spec_of(spec.folder, Network(config, ("model.safetensors",)))))


def test_loading_says_nothing_on_the_terminal(spec: Spec, capfd: pytest.CaptureFixture[str]) -> None:
    states(spec)
    with pytest.raises(ModelInvalid):
        states(with_weights(spec, {}))
    assert capfd.readouterr() == ("", "")


def test_a_dropped_backbone_frees_its_weights_at_once(spec: Spec, tmp_path: Path) -> None:
    import gc
    import weakref

    for number, kind in enumerate(("bert", "modernbert", "deberta-v2", "mpnet", "t5", "qwen3")):
        backbone = load_backbone(saved(new_model(config_of(kind)), tmp_path / str(number)), CPU, torch.float32)
        backbone.states(some_pieces(), ("before_final_norm", 1))
        weight = weakref.ref(next(iter(backbone._model.parameters())))
        gc.disable()
        try:
            del backbone
            assert weight() is None, kind
        finally:
            gc.enable()


def test_networks_that_are_loaded_side_by_side_leave_torch_and_transformers_as_they_were(spec: Spec) -> None:
    shared = (torch.get_default_dtype(), torch.linspace, PreTrainedModel.tie_weights)
    with ThreadPoolExecutor(4) as threads:
        loads = [threads.submit(load_backbone, spec, CPU, torch.bfloat16) for _ in range(30)]
        assert {load.result().dtype for load in loads} == {torch.bfloat16}
    assert (torch.get_default_dtype(), torch.linspace, PreTrainedModel.tie_weights) == shared
