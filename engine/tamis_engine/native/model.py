"""Specs that the kernel serves as models in memory: BERT bi-encoders, cross-encoders and readers of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tamis_engine.compute.encoding.texts import OnePiece, as_tokenised, text_inputs
from tamis_engine.compute.extracting.answer_span import Answers
from tamis_engine.compute.tokenizer_files import load_tokeniser
from tamis_engine.errors import ModelInvalid, RequestInvalid
from tamis_engine.models.spec import AnswerSpan, ClassHead, Output, Pool, Sigmoid
from tamis_engine.native import heads
from tamis_engine.native.kernel import CannotCompute, best
from tamis_engine.native.network import NativeBert, Precision
from tamis_engine.native.weights import all_fit, stored
from tamis_engine.operation import PairInput, Piece, Row, Tokenised

if TYPE_CHECKING:
    from ctypes import CDLL

    from numpy.typing import NDArray

    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import OperationName, Spec
    from tamis_engine.operation import Input, Operation, TextInput

    Floats = NDArray[np.float32]
    Head = Callable[[Sequence[Piece]], Floats]

BATCH_TOKENS = 2048
"""The kernel cuts batches itself; this many keep some threads busy without making a short query wait long."""

NETWORK = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}
"""What the kernel computes; a config that says nothing says this."""


HEADS = {"sequence_classification": heads.classifier, "question_answering": heads.span_ends}
"""Those with weights that stand beside the network's."""


class DenseVectors(OnePiece):
    """Encodes texts as one vector each."""

    def __init__(self, tokeniser: Tokeniser, head: Head, dimensions: int, leaves_out_prompt: bool) -> None:
        self._tokeniser = tokeniser
        self._head = head
        self._leaves_out_prompt = leaves_out_prompt
        self.nothing = (dimensions,)

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        texts = text_inputs(inputs)
        left_out = self._left_out(texts) if self._leaves_out_prompt else [0] * len(texts)
        return [as_tokenised(read, skip) for read, skip in zip(self._tokeniser.texts(texts), left_out, strict=True)]

    def forward(self, pieces: Sequence[Piece]) -> list[Floats]:
        """See `Operation`."""
        return list(self._head(pieces))

    def _left_out(self, texts: Sequence[TextInput]) -> list[int]:
        prompts = [self._tokeniser.prompt(each.role, each.instruction) for each in texts]
        tokens = {prompt: self._tokeniser.prompt_tokens(prompt) for prompt in set(prompts)}
        return [tokens[prompt] for prompt in prompts]


class PairScores:
    """Scores pairs: the sigmoid of the logit."""

    def __init__(self, tokeniser: Tokeniser, head: Head, scale: float) -> None:
        self._tokeniser = tokeniser
        self._head = head
        self._scale = scale

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        pairs = [each for each in inputs if isinstance(each, PairInput)]
        if len(pairs) < len(inputs):
            raise RequestInvalid("Only pairs of a query and a passage can be scored.")
        read = self._tokeniser.pairs(pairs)
        return [Tokenised((Piece(each.ids, each.token_types),), each.given, each.truncated) for each in read]

    def forward(self, pieces: Sequence[Piece]) -> list[Floats]:
        """See `Operation`."""
        return list(heads.sigmoid(self._head(pieces) / self._scale))

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[Floats]) -> Row:  # noqa: ARG002
        """See `Operation`."""
        return Row(outputs[0].reshape(()), tokenised.tokens, tokenised.truncated)


class NativeModel:
    """See `Model`."""

    batch_tokens = BATCH_TOKENS

    def __init__(self, network: NativeBert, operations: Mapping[OperationName, Operation]) -> None:
        self._network = network
        self.operations = operations

    @property
    def footprint_bytes(self) -> int:
        """Of weights and tables; heads are small beside them."""
        return self._network.footprint_bytes

    def park(self) -> None:
        """It is in host memory already."""

    def unpark(self) -> None:
        """It is where it computes."""


def fits(spec: Spec) -> bool:
    """Whether the kernel computes what the spec describes, and its files hold exactly that."""
    config = {**NETWORK, **spec.network.config}
    return all(config[key] == value for key, value in NETWORK.items()) and _is_known(spec) and all_fit(spec)


def load_model(spec: Spec, threads: int, precision: Precision = "int8", kernel: CDLL | None = None) -> NativeModel:
    """Raises `ModelInvalid` where files or steps do not fit, or no kernel runs here."""
    try:
        kernel = kernel or best()
    except CannotCompute as error:
        raise ModelInvalid(spec.name, f"it was to run in the compiled kernel, but {error}") from error
    if not fits(spec):
        raise ModelInvalid(spec.name, "it is none of the BERTs that the compiled kernel serves.")
    with stored(spec) as found:
        network = NativeBert(kernel, spec, found, precision)
        after = HEADS[spec.network.head](found) if spec.network.head in HEADS else None
    tokeniser = load_tokeniser(spec)
    if after is None:
        return NativeModel(network, {"dense": _dense(spec, tokeniser, network, threads)})
    if spec.network.head == "question_answering":
        return NativeModel(network, {"extract": _answers(spec, tokeniser, network, (after, threads))})
    return NativeModel(network, {"score": _score(spec, tokeniser, _Read(network, threads, Pool("cls"), [after]))})


class _Read:
    """Pieces to a row each: pooled states through the layers. A piece's `notes` say how many tokens are left out."""

    def __init__(self, network: NativeBert, threads: int, pool: Pool, layers: Sequence[heads.Layer]) -> None:
        self._network = network
        self._threads = threads
        self._pool = pool
        self._layers = layers

    def __call__(self, pieces: Sequence[Piece]) -> Floats:
        states = self._network.states(pieces, self._threads)
        read = [heads.pooled(each, self._pool, piece.notes or 0) for each, piece in zip(states, pieces, strict=True)]
        rows = np.array(read, np.float32).reshape(len(read), self._network.width)
        for layer in self._layers:
            rows = layer(rows)
        return rows


def _is_known(spec: Spec) -> bool:
    match spec.network.head, dict(spec.outputs):
        case "none", {"dense": Output((Pool(), *layers), ()), **rest}:
            return not rest and heads.are_known(layers)
        case "sequence_classification", {"score": Output((ClassHead(), Sigmoid()), ()), **rest}:
            return not rest
        case "question_answering", {"extract": Output((AnswerSpan(),), ()), **rest}:
            return not rest
        case _:
            return False


def _dense(spec: Spec, tokeniser: Tokeniser, network: NativeBert, threads: int) -> DenseVectors:
    pool, *after = spec.outputs["dense"].steps
    assert isinstance(pool, Pool)
    read = _Read(network, threads, pool, heads.layers(spec, after))
    return DenseVectors(tokeniser, read, spec.dimensions or network.width, not pool.include_prompt)


def _score(spec: Spec, tokeniser: Tokeniser, read: _Read) -> PairScores:
    sigmoid = spec.outputs["score"].steps[1]
    assert isinstance(sigmoid, Sigmoid)
    return PairScores(tokeniser, read, sigmoid.scale)


def _answers(spec: Spec, tokeniser: Tokeniser, network: NativeBert, head: tuple[heads.Layer, int]) -> Answers:
    (step,) = spec.outputs["extract"].steps
    assert isinstance(step, AnswerSpan)
    layer, threads = head
    return Answers(step, lambda pieces: [layer(states) for states in network.states(pieces, threads)], tokeniser)
