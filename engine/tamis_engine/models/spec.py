"""What a model is, as plain values: how text goes in, which network reads it, which operations make the answer.

A spec is read from the model's own files (`resolution`), completed by the catalogue where files can't say, and turned
into a model in memory by `compute`. Nothing here names a model or imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

OperationName = Literal["dense", "sparse", "multivector", "score", "extract"]

# --- the network -----------------------------------------------------------------------------------------------------

Head = Literal[
    "none", "masked_lm", "sequence_classification", "token_classification", "question_answering", "causal_lm", "static"
]
"""Which class of transformers' the weights belong to; "static" has no network, only a table of token vectors."""
SCALE = ".scale"
"""A matrix may be stored in int8, with a vector beside it that has its name and this: each row times its scale."""


@dataclass(frozen=True, slots=True)
class Network:
    """The backbone: transformers' config, and where its weights lie in the snapshot.

    `prefix` is stripped from the names of the weights (`ranking_model.` and the like), others are left to the heads.
    `base` are files of the model that it was tuned from: of them come the tensors that `weights` does not hold.
    `may_miss` and `may_ignore` are regular expressions for weights that are known to be absent or of no use.
    """

    config: Mapping[str, Any]
    weights: tuple[str, ...]
    head: Head = "none"
    prefix: str = ""
    renames: tuple[tuple[str, str], ...] = ()
    may_miss: tuple[str, ...] = ()
    may_ignore: tuple[str, ...] = ()
    base: tuple[Path, ...] = ()


# --- text ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prompts:
    """What is put before a text. `{instruction}` stands for the caller's instruction, or for `instruction`."""

    query: str = ""
    passage: str = ""
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class ChatPair:
    """How a causal reranker is asked: `{instruction}`, `{query}` and `{passage}` are filled in.

    All up to `{passage}` is the same for all passages of a query and computed once.
    """

    template: str
    instruction: str


@dataclass(frozen=True, slots=True)
class Text:
    """How texts become tokens. `query_tokens` is 0 where queries may be as long as passages.

    `lower` and similar are the tokenizer's own business. `add_special_tokens` is False for static models.
    `append_eos` ends each text with the end token where the tokenizer does not.
    """

    max_tokens: int
    query_tokens: int = 0
    prompts: Prompts = Prompts()
    pair: ChatPair | None = None
    add_special_tokens: bool = True
    append_eos: bool = False


# --- operations: what is done with the network's states or logits, in order ------------------------------------------


@dataclass(frozen=True, slots=True)
class Pool:
    """(tokens, width) to (width): `cls` first token, `mean`, `max`, `last_token`."""

    mode: Literal["cls", "mean", "max", "last_token"]
    include_prompt: bool = True


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer with an activation of torch.nn (`Identity`, `Tanh`, `GELU`, ...).

    Its weights are `linear.weight` and `linear.bias`.
    """

    weights: str
    activation: str = "Identity"
    bias: bool = True


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """Weights `norm.weight`, `norm.bias`."""

    weights: str
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True)
class Normalize:
    """To length 1."""


@dataclass(frozen=True, slots=True)
class StaticBag:
    """The mean of the vectors of the tokens; the table is `tensor` in `weights`."""

    weights: str
    tensor: str = "embedding.weight"


@dataclass(frozen=True, slots=True)
class Splade:
    """Logits of a masked LM: max over tokens of log(1 + relu), taken twice where `doubled`."""

    doubled: bool = False


@dataclass(frozen=True, slots=True)
class Idf:
    """Queries without a forward pass: each token weighs what `file` says.

    That is JSON, token to weight, or safetensors with a vector `weight` by index.
    """

    file: str


@dataclass(frozen=True, slots=True)
class TokenWeights:
    """bge-m3: relu of a linear layer per token, max per vocabulary entry, special tokens dropped."""

    weights: str


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """Late interaction: each token's state projected and set to length 1.

    `tensor` names the matrix in `weights` (none: no projection). Queries are filled with mask tokens to
    `expand_query_to` (0: not); passages lose the tokens of `skip_words`; `skip_first` drops [CLS].
    `query_marker` and `passage_marker` are tokens put behind [CLS].
    """

    weights: str = ""
    tensor: str = "linear.weight"
    dimensions: int = 0
    query_marker: str = ""
    passage_marker: str = ""
    expand_query_to: int = 0
    attend_to_expansion: bool = False
    skip_words: tuple[str, ...] = ()
    skip_first: bool = False


@dataclass(frozen=True, slots=True)
class ClassHead:
    """The model's own head over pairs, one label: its logit."""


@dataclass(frozen=True, slots=True)
class LogitPick:
    """Causal rerankers: the logit of `yes` less that of `no` at the last token (`no` may be empty)."""

    yes: str
    no: str = ""


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """A logit to a probability; divided by `scale` first, so that raw scores far from 0 keep their order in float32."""

    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class KeepTokens:
    """Provence: a linear layer to two classes per token of the pair; a sentence is kept by the mean of its tokens.

    `state` says which hidden states it reads: those before the final norm where the model has one.
    """

    weights: str
    tensor: str
    state: Literal["last", "before_final_norm"] = "last"
    threshold: float = 0.1


@dataclass(frozen=True, slots=True)
class KeepWords:
    """LLMLingua-2: the probability to keep a word, without a question. `continuation` marks a token inside a word."""

    word_start: str = "\u2581"
    continuation: str = ""
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class SpanMarker:
    """GLiNER (v2.1): spans of up to `max_width` words against labels written before the text."""

    max_width: int
    entity_mark: str = "<<ENT>>"
    text_mark: str = "<<SEP>>"
    hidden: int = 512
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class Entailment:
    """Zero-shot classification by a model of inference: `template` holds a `{}` for the label."""

    entailment: int
    contradiction: int | None
    template: str = "This text is about {}."
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """Extractive question answering: labels are questions; windows of `max_tokens` overlap by `stride` tokens."""

    stride: int = 128
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class KeepLines:
    """SWE-Pruner: states at three depths, attention, two layers; lines are kept by the mean of their tokens."""

    weights: str
    threshold: float = 0.5


Step = (
    Pool
    | Dense
    | LayerNorm
    | Normalize
    | StaticBag
    | Splade
    | Idf
    | TokenWeights
    | TokenVectors
    | ClassHead
    | LogitPick
    | Sigmoid
    | KeepTokens
    | KeepWords
    | SpanMarker
    | Entailment
    | AnswerSpan
    | KeepLines
)


@dataclass(frozen=True, slots=True)
class Output:
    """One operation that a model serves. `query` differs where queries go another way than passages (`Idf`)."""

    steps: tuple[Step, ...]
    query: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """Cosine to probability: 1 / (1 + exp(-slope * (cosine - midpoint))); fitted on data of that model."""

    slope: float
    midpoint: float


@dataclass(frozen=True, slots=True)
class Spec:
    """All that is needed to run one model. `revision` names these very files, and is part of every cache key."""

    name: str
    folder: Path
    revision: str
    network: Network
    text: Text
    outputs: Mapping[OperationName, Output]
    dimensions: int = 0
    licence: str = ""
    tokenizer: str = "tokenizer.json"
    """The file in `tokenizer_folder`; where it is empty transformers converts an older format."""
    tokenizer_folder: Path | None = None
    """Where the model ships no tokenizer and uses that of the model it was trained from; None: `folder`."""
    added_tokens: tuple[str, ...] = ()
    """Special tokens that the tokenizer does not know yet, put behind its own in this order."""
    forbidden_dtypes: tuple[str, ...] = ()
    calibration: Calibration | None = None
    footprint_bytes: int = 0
    """Expected, in the files' own precision; measured at the first load and remembered."""
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
