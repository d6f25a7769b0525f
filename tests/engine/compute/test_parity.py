from pathlib import Path
from typing import Any

import pytest
import torch

from tamis_engine.compute.backbone import Backbone, load_backbone
from tamis_engine.models.spec import Head, Spec
from tamis_engine.operation import Piece
from tests.engine.compute.tiny import KINDS, UNPROVEN, alone, config_of, new_model, saved, some_pieces

CPU = torch.device("cpu")
WITH_TYPES = ["bert", "electra", "albert", "nomic_bert"]
PATCHED = {"mpnet", "deberta-v2", "t5"}
HEADS: dict[Head, list[str]] = {
    "masked_lm": "bert xlm-roberta distilbert albert mpnet deberta-v2 modernbert nomic_bert gte eurobert".split(),
    "token_classification": "bert xlm-roberta electra deberta-v2 modernbert eurobert".split(),
    "question_answering": "bert roberta distilbert deberta-v2 modernbert".split(),
}
CLASSIFIERS = (
    "bert roberta xlm-roberta electra distilbert albert mpnet deberta-v2 modernbert nomic_bert gte "
    "jina_embeddings_v3 eurobert qwen2 qwen3 llama gemma3_text"
).split()


def loaded(spec: Spec) -> Backbone:
    return load_backbone(spec, CPU, torch.float32)


def furthest(found: tuple[torch.Tensor, ...], expected: list[torch.Tensor]) -> float:
    """The greatest difference, of numbers about 1; of larger ones, such as logits, as a share of the largest."""
    assert [tensor.shape for tensor in found] == [tensor.shape for tensor in expected]
    scale = max(1.0, *(float(tensor.abs().max()) for tensor in expected))
    return max(float((one - other).abs().max()) for one, other in zip(found, expected, strict=True)) / scale


@pytest.mark.parametrize("kind", KINDS)
def test_packed_states_equal_each_sequence_alone(kind: str, tmp_path: Path) -> None:
    model = new_model(config_of(kind))
    backbone = loaded(saved(model, tmp_path))
    pieces = some_pieces()
    expected = alone(model, pieces, lambda output: output.last_hidden_state)
    (states,) = backbone.states(pieces)
    assert backbone.mode == ("patched" if kind in PATCHED else "varlen")
    assert furthest(states.split(), expected) < 1e-4
    assert float(torch.cat(expected).std()) > 0.1


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("deberta-v2", {"position_buckets": -1, "share_att_key": False}),
    ("deberta-v2", {"pos_att_type": ["c2p"], "position_biased_input": True, "type_vocab_size": 2}),
    ("deberta-v2", {"pos_att_type": [], "max_relative_positions": 20}),
    ("deberta-v2", {"relative_attention": False, "position_biased_input": True, "pos_att_type": []}),
    ("nomic_bert", {"rotary_emb_fraction": 0.5}),
    ("gemma3_text", {"use_bidirectional_attention": False}),
    ("qwen3", {"layer_types": ["sliding_attention"] * 3, "sliding_window": 5, "use_sliding_window": True}),
]


@pytest.mark.parametrize(("kind", "changes"), VARIANTS)
def test_packed_states_of_a_variant_equal_each_sequence_alone(
    kind: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    model = new_model(config_of(kind, **changes))
    (states,) = loaded(saved(model, tmp_path)).states(some_pieces())
    assert furthest(states.split(), alone(model, some_pieces(), lambda output: output.last_hidden_state)) < 1e-4


@pytest.mark.parametrize("kind", WITH_TYPES)
def test_token_types_are_read(kind: str, tmp_path: Path) -> None:
    model = new_model(config_of(kind))
    pieces = some_pieces(types=True)
    (states,) = loaded(saved(model, tmp_path)).states(pieces)
    assert furthest(states.split(), alone(model, pieces, lambda output: output.last_hidden_state)) < 1e-4


@pytest.mark.parametrize(("head", "kind"), [(head, kind) for head, kinds in HEADS.items() for kind in kinds])
def test_logits_of_tokens_equal_each_sequence_alone(head: Head, kind: str, tmp_path: Path) -> None:
    model = new_model(config_of(kind), head)
    pieces = some_pieces()

    def pick(output: Any) -> torch.Tensor:
        return output.logits if "logits" in output else torch.stack((output.start_logits, output.end_logits), -1)

    found = loaded(saved(model, tmp_path, head)).token_logits(pieces)
    assert furthest(found.split(), alone(model, pieces, pick)) < 1e-4


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_logits_of_classes_equal_each_sequence_alone(kind: str, tmp_path: Path) -> None:
    model = new_model(config_of(kind, num_labels=3), "sequence_classification")
    pieces = some_pieces()
    backbone = loaded(saved(model, tmp_path, "sequence_classification"))
    expected = alone(model, pieces, lambda output: output.logits)
    assert furthest(tuple(backbone.class_logits(pieces)), expected) < 1e-4
    assert furthest(tuple(backbone.class_logits(pieces[:1])), expected[:1]) < 1e-4


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_classifier_pools_as_its_config_says(pooling: str, tmp_path: Path) -> None:
    model = new_model(config_of("modernbert", classifier_pooling=pooling), "sequence_classification")
    found = loaded(saved(model, tmp_path, "sequence_classification")).class_logits(some_pieces())
    assert furthest(tuple(found), alone(model, some_pieces(), lambda output: output.logits)) < 1e-4


def test_a_classifier_without_a_padding_token_reads_one_piece_at_a_time(tmp_path: Path) -> None:
    model = new_model(config_of("qwen3", pad_token_id=None), "sequence_classification")
    found = loaded(saved(model, tmp_path, "sequence_classification")).class_logits(some_pieces())
    assert furthest(tuple(found), alone(model, some_pieces(), lambda output: output.logits)) < 1e-4


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma3_text"])
def test_a_shared_prefix_changes_nothing(kind: str, tmp_path: Path) -> None:
    model = new_model(
        config_of(kind, **({"use_bidirectional_attention": False} if kind == "gemma3_text" else {})), "causal_lm"
    )
    backbone = loaded(saved(model, tmp_path, "causal_lm"))
    first, second, *others = (list(piece.ids) for piece in some_pieces([20, 11, 1, 5, 5, 30, 2, 40]))
    pieces = [Piece(first + ids, shared=20) for ids in others]
    pieces += [
        Piece(second, shared=11),
        Piece(second + others[0], shared=11),
        Piece(others[3]),
        Piece(others[3][:1], shared=1),
    ]
    expected = [row[-1, [7, 50]] for row in alone(model, pieces, lambda output: output.logits)]
    assert furthest(tuple(backbone.last_logits(pieces, [7, 50])), expected) < 1e-4


@pytest.mark.parametrize(("kind", "changes"), [("gemma3_text", {}), ("qwen3", {"is_causal": False})])
def test_a_prefix_is_not_shared_where_tokens_read_ahead(kind: str, changes: dict[str, Any], tmp_path: Path) -> None:
    model = new_model(config_of(kind, **changes), "causal_lm")
    ids = [list(piece.ids) for piece in some_pieces([20, 5, 9])]
    pieces = [Piece(ids[0] + ids[1], shared=20), Piece(ids[0] + ids[2], shared=20)]
    expected = [row[-1, [7, 50]] for row in alone(model, pieces, lambda output: output.logits)]
    assert furthest(tuple(loaded(saved(model, tmp_path, "causal_lm")).last_logits(pieces, [7, 50])), expected) < 1e-4


def test_a_decoder_told_not_to_be_causal_reads_both_ways(tmp_path: Path) -> None:
    model = new_model(config_of("qwen3", is_causal=False))
    spec = saved(model, tmp_path)
    pieces = some_pieces()
    plain = [
        model(input_ids=torch.tensor([piece.ids]), attention_mask=torch.zeros(1, 1, len(piece.ids), len(piece.ids)))
        for piece in pieces
    ]
    (states,) = loaded(spec).states(pieces)
    assert furthest(states.split(), [output.last_hidden_state[0].detach() for output in plain]) < 1e-4


@pytest.mark.parametrize("kind", ["modernbert", "qwen3", "gemma3_text", "bert", "deberta-v2", "t5"])
def test_states_are_told_by_depth(kind: str, tmp_path: Path) -> None:
    model = new_model(config_of(kind))
    pieces = some_pieces([3, 17, 17, 40])
    first, third, last = loaded(saved(model, tmp_path)).states(pieces, (0, 2, "last"))
    assert furthest(first.split(), alone(model, pieces, lambda output: output.hidden_states[0])) < 1e-4
    assert furthest(third.split(), alone(model, pieces, lambda output: output.hidden_states[2])) < 1e-4
    assert furthest(last.split(), alone(model, pieces, lambda output: output.last_hidden_state)) < 1e-4


@pytest.mark.parametrize(
    ("kind", "norm"), [("modernbert", "final_norm"), ("qwen3", "norm"), ("t5", "encoder.final_layer_norm")]
)
def test_states_before_the_final_norm_give_the_last_ones_through_it(kind: str, norm: str, tmp_path: Path) -> None:
    model = new_model(config_of(kind))
    before, last = loaded(saved(model, tmp_path)).states(some_pieces([3, 17]), ("before_final_norm", "last"))
    with torch.inference_mode():
        assert (model.get_submodule(norm)(before.values) - last.values).abs().max() < 1e-4
    assert (before.values - last.values).abs().max() > 0.1


def test_states_before_a_final_norm_that_is_not_there_are_the_last(tmp_path: Path) -> None:
    before, last = loaded(saved(new_model(config_of("bert")), tmp_path)).states(
        some_pieces(), ("before_final_norm", "last")
    )
    assert torch.equal(before.values, last.values)


@pytest.mark.parametrize("kind", ["bert", "modernbert", "deberta-v2", "mpnet", "rembert"])
def test_unread_tokens_read_the_others_and_are_read_by_none(kind: str, tmp_path: Path) -> None:
    model = new_model(config_of(kind))
    pieces = some_pieces([20, 20, 7])
    (states,) = loaded(saved(model, tmp_path)).states([Piece(piece.ids, unread=4) for piece in pieces])
    with torch.inference_mode():
        for piece, found in zip(pieces, states.split(), strict=True):
            mask = torch.tensor([[1] * (len(piece.ids) - 4) + [0] * 4])
            expected = model(input_ids=torch.tensor([piece.ids]), attention_mask=mask).last_hidden_state[0]
            read = slice(None) if kind != "deberta-v2" else slice(0, -4)  # DeBERTa blinds such tokens altogether
            assert (found[read] - expected[read]).abs().max() < 1e-4


def test_a_long_sequence_is_read_window_by_window(tmp_path: Path) -> None:
    for kind in ("modernbert", "qwen2"):
        model = new_model(config_of(kind, max_position_embeddings=1024))
        pieces = some_pieces([700, 3, 600])
        (states,) = loaded(saved(model, tmp_path / kind)).states(pieces)
        assert furthest(states.split(), alone(model, pieces, lambda output: output.last_hidden_state)) < 1e-4


@pytest.mark.parametrize("kind", UNPROVEN)
def test_an_architecture_that_is_not_proven_is_padded(kind: str, tmp_path: Path) -> None:
    model = new_model(config_of(kind))
    backbone = loaded(saved(model, tmp_path))
    pieces = some_pieces()
    found = backbone.states(pieces, (1, "last"))
    assert backbone.mode == "padded"
    assert furthest(found[0].split(), alone(model, pieces, lambda output: output.hidden_states[1])) < 1e-4
    assert furthest(found[1].split(), alone(model, pieces, lambda output: output.last_hidden_state)) < 1e-4


def test_a_causal_model_that_is_not_proven_is_padded(tmp_path: Path) -> None:
    model = new_model(config_of("gpt2"), "causal_lm")
    found = loaded(saved(model, tmp_path, "causal_lm")).last_logits(some_pieces(), [7, 50])
    expected = [row[-1, [7, 50]] for row in alone(model, some_pieces(), lambda output: output.logits)]
    assert furthest(tuple(found), expected) < 1e-4


def test_rotations_scaled_by_the_length_of_a_row_are_padded(tmp_path: Path) -> None:
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    assert loaded(saved(new_model(config_of("llama", rope_parameters=rope)), tmp_path)).mode == "padded"


def test_heads_are_padded_too_where_the_backbone_is(tmp_path: Path) -> None:
    model = new_model(config_of("deberta-v2", conv_kernel_size=3), "token_classification")
    backbone = loaded(saved(model, tmp_path, "token_classification"))
    pieces = some_pieces([9, 9, 9])
    assert backbone.mode == "padded"
    assert furthest(backbone.token_logits(pieces).split(), alone(model, pieces, lambda output: output.logits)) < 1e-4


def test_weights_in_half_precision_stay_near(tmp_path: Path) -> None:
    model = new_model(config_of("modernbert"))
    spec = saved(model, tmp_path)
    half = load_backbone(spec, CPU, torch.bfloat16)
    (exact,), (near,) = loaded(spec).states(some_pieces()), half.states(some_pieces())
    assert near.values.dtype == half.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(exact.values, near.values.float()).mean() > 0.99
