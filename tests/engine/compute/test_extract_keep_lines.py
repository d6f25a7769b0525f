"""SWE-Pruner: against its head, written out on transformers' own network, one sequence at a time."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tamis_engine.compute.extracting.operations import operation
from tamis_engine.compute.extracting.units import lines
from tamis_engine.errors import ModelInvalid, RequestInvalid
from tamis_engine.models.spec import ChatPair, KeepLines, Output, Spec
from tamis_engine.operation import LabelledInput, Operation
from tests.engine.compute.extracted import answer
from tests.engine.compute.heads_on_disk import loaded, network_of, noise, saved
from tests.engine.compute.vocabularies import byte_level, tokeniser

LAYERS, WIDTH, BOTTLENECK = 8, 96, 16
STEP = KeepLines("model.safetensors", threshold=0.0)
PAIR = ChatPair("<|im_start|>u\n{instruction}: {query}\n<Document>: {passage}<|im_end|>", "judge")
NETWORK = network_of(
    "qwen3", vocab_size=300, tie_word_embeddings=True, num_hidden_layers=LAYERS, max_position_embeddings=4000
)
CODE = "def a(b):\n    return b\n\nclass D: # <|im_end|>\r\n    e = '\u00e9\U0001f600'\n"
EXTRACTOR = "model.compression_head.feature_extractor"


def head() -> dict[str, torch.Tensor]:
    shapes: dict[str, tuple[int, ...]] = {
        "model.fusion_layers.0.in_proj_weight": (3 * WIDTH, WIDTH),
        "model.fusion_layers.0.in_proj_bias": (3 * WIDTH,),
        "model.fusion_layers.0.out_proj.weight": (WIDTH, WIDTH),
        "model.fusion_layers.0.out_proj.bias": (WIDTH,),
        "model.fusion_norms.0.weight": (WIDTH,),
        "model.fusion_norms.0.bias": (WIDTH,),
        f"{EXTRACTOR}.0.weight": (WIDTH,),
        f"{EXTRACTOR}.0.bias": (WIDTH,),
        f"{EXTRACTOR}.1.weight": (BOTTLENECK, WIDTH),
        f"{EXTRACTOR}.1.bias": (BOTTLENECK,),
        f"{EXTRACTOR}.4.weight": (2, BOTTLENECK),
        f"{EXTRACTOR}.4.bias": (2,),
        "model.compression_head.crf.transitions": (2, 2),
    }
    return {name: noise(name, shape) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    """Read as a causal model, whose head is the table of tokens: the same network scores by yes and no."""
    return saved(tmp_path_factory.mktemp("pruner"), NETWORK, "causal_lm", "model.backbone.", **head())


def pruner(spec: Spec, max_tokens: int = 2000) -> Operation:
    tokens = tokeniser("byte_level", max_tokens, pair=PAIR)
    return operation(replace(spec, text=tokens.text), Output((STEP,)), loaded(spec), tokens)


@pytest.fixture(scope="module")
def whole(spec: Spec) -> Operation:
    return pruner(spec)


def ids(text: str) -> list[int]:
    return byte_level().encode(text).ids


@torch.inference_mode()
def kept(before: list[int], code: list[int], after: list[int]) -> torch.Tensor:
    """The probability to keep each token of the code."""
    output = NETWORK(torch.tensor([[*before, *code, *after]]), output_hidden_states=True)
    fused = torch.cat([output.hidden_states[depth] for depth in (2, 4, 8)], -1)
    tensors = head()
    attention = nn.MultiheadAttention(WIDTH, 8, batch_first=True)
    own = "model.fusion_layers.0."
    attention.load_state_dict({name.removeprefix(own): t for name, t in tensors.items() if name.startswith(own)})
    norm, first, last = ("model.fusion_norms.0", f"{EXTRACTOR}.1", f"{EXTRACTOR}.4")
    fused = attention(fused, fused, fused)[0] + fused
    for each in (norm, f"{EXTRACTOR}.0"):
        fused = nn.functional.layer_norm(fused, (WIDTH,), tensors[f"{each}.weight"], tensors[f"{each}.bias"])
    narrow = nn.functional.gelu(fused @ tensors[f"{first}.weight"].T + tensors[f"{first}.bias"])
    emissions = narrow @ tensors[f"{last}.weight"].T + tensors[f"{last}.bias"]
    return (emissions[0, :, 1] - emissions[0, :, 0]).sigmoid()[len(before) : len(before) + len(code)]


def spelled(text: str) -> list[int]:
    """Byte by byte, no mark of a conversation."""
    first, *others = text.split("<|im_end|>")
    return [*ids(first), *(id_ for other in others for id_ in (*ids("<"), *ids("|im_end|>" + other)))]


def test_a_line_is_as_likely_as_the_mean_of_its_characters(whole: Operation) -> None:
    (row,) = answer(whole, LabelledInput(("b?", "where <|im_end|>"), CODE))
    for label, query in enumerate(("b?", "where <|im_end|>")):
        before = [*ids("<|im_start|>"), *spelled(f"u\njudge: {query}\n<Document>: ")]
        likely = kept(before, spelled(CODE), ids("<|im_end|>")).tolist()
        offsets = [(0, 0)] * 0
        mark = CODE.index("<|im_end|>") + 1
        for start, part in ((0, CODE[:mark]), (mark, CODE[mark:])):
            offsets += [(start + first, start + last) for first, last in byte_level().encode(part).offsets]
        by_character: list[list[float]] = [[] for _ in CODE]
        for (start, end), p in zip(offsets, likely, strict=True):
            for at in range(start, end):
                by_character[at].append(p)
        means = [
            sum(sum(each) / len(each) for each in by_character[start:end]) / (end - start) for start, end in lines(CODE)
        ]
        found = sorted(row.values[row.values[:, 0] == label].tolist(), key=lambda each: each[1])
        assert [CODE[int(start) : int(end)] for _, start, end, _ in found] == [
            line for line in CODE.splitlines() if line.strip()
        ]
        assert [each[3] for each in found] == pytest.approx(means, abs=1e-5)
        assert max(means) - min(means) > 0.05


def test_long_code_is_read_to_its_end_in_windows_that_share_tokens(spec: Spec) -> None:
    narrow = pruner(spec, 220)
    (tokenised,) = narrow.tokenise([LabelledInput(("b?",), CODE * 10)])
    read = [(piece.notes.first, piece.notes.last) for piece in tokenised.pieces]
    assert len(read) > 1
    assert all(later[0] == earlier[1] - 50 for earlier, later in pairwise(read))
    assert read[-1][1] == len(spelled(CODE * 10))
    assert all(len(piece.ids) <= 220 for piece in tokenised.pieces)
    (row,) = answer(narrow, LabelledInput(("b?",), CODE * 10))
    assert len(row.values) == len(lines(CODE * 10))
    assert not row.truncated


def test_a_question_that_leaves_no_room_is_refused(spec: Spec) -> None:
    with pytest.raises(RequestInvalid, match="Shorten it"):
        pruner(spec, 220).tokenise([LabelledInput(("b" * 180,), CODE)])


def test_a_checkpoint_without_its_head_or_its_template_is_refused(
    spec: Spec, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backbone, tokens = loaded(spec), tokeniser("byte_level", pair=PAIR)
    with pytest.raises(ModelInvalid, match="template"):
        operation(spec, Output((STEP,)), backbone, tokens)
    bare = replace(saved(tmp_path_factory.mktemp("bare"), NETWORK, "none", "model.backbone."), text=tokens.text)
    with pytest.raises(ModelInvalid, match="fusion_norms"):
        operation(bare, Output((STEP,)), backbone, tokens)
    wrong = {**head(), "model.fusion_norms.0.bias": torch.zeros(3)}
    bare = replace(
        saved(tmp_path_factory.mktemp("wrong"), NETWORK, "none", "model.backbone.", **wrong), text=tokens.text
    )
    with pytest.raises(ModelInvalid, match="do not fit"):
        operation(bare, Output((STEP,)), backbone, tokens)


@given(passage=st.text(max_size=100), query=st.text(max_size=20))
def test_every_span_is_a_line_of_the_passage(whole: Operation, passage: str, query: str) -> None:
    (row,) = answer(whole, LabelledInput((query,), passage))
    assert sorted(tuple(found[1:3]) for found in row.values.tolist()) == lines(passage)
