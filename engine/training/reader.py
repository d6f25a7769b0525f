"""Trains the reader of the evals: the embedded encoder's upper layers and a head that marks where an answer lies.

Run: python -m training.reader --data DIR --out FOLDER; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForQuestionAnswering

from tamis_engine import embedded
from tamis_engine.compute.extracting.answer_span import best_span
from tamis_engine.compute.tensors import tensors_of
from tamis_engine.compute.tokenizer_files import load_tokeniser
from tamis_engine.models.heads import ANSWER_TOKENS
from tamis_engine.models.spec import SCALE, Spec
from tamis_engine.models.tuned import KEY
from training.reader_examples import Example, Examples, batches, load

BATCH_TOKENS = 6144
RATE = 3e-4
WARM_UP = 0.06
"""Share of the steps in which the rate rises; then it falls in a straight line to 0."""
SAVED_EVERY_SECONDS = 120
TOLD_EVERY = 25
"""Batches."""
LAYERS = "bert.encoder."


def main() -> None:
    """Train, and write what was tuned."""
    asked = _arguments()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    spec = embedded.spec()
    spec = replace(spec, text=replace(spec.text, max_tokens=ANSWER_TOKENS))
    tokeniser = load_tokeniser(spec)
    trained, tested = load(asked.data, tokeniser)
    say(f"{len(trained.questions)} questions to train on, {len(tested.questions)} held out")
    network = network_of(spec, asked.layers)
    Training(network, asked).run(Examples(trained, tokeniser, asked.seed), asked.until)
    say(str(measured(network, Examples(tested, tokeniser, asked.seed))))
    write(network, asked.out)


def say(line: str) -> None:
    """To whoever waits."""
    print(line, flush=True)  # noqa: T201 -- a program


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of evaluation data")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=3, help="how many are tuned, from the top")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--until", type=float, default=1.0, help="stop after this share of the epochs, to look")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def network_of(spec: Spec, layers: int) -> BertForQuestionAnswering:
    """The encoder with a new head; all but the upper layers is fixed and without dropout."""
    # without dropout in attention torch has one fused kernel for it, several times as fast
    config = BertConfig.from_dict({**spec.network.config, "attention_probs_dropout_prob": 0.0})
    network = BertForQuestionAnswering(config)
    (file,) = spec.network.weights
    tensors = {name: tensor.float() for name, tensor in tensors_of(spec, file).items()}
    missing, _ = network.bert.load_state_dict(tensors, strict=False)
    if missing:
        raise SystemExit(f"the encoder lacks {missing}")
    lower = [network.bert.embeddings, *network.bert.encoder.layer[: len(network.bert.encoder.layer) - layers]]
    for module in lower:
        module.requires_grad_(False)
    network.train()
    for module in lower:
        module.eval()
    return network


def tuned(network: nn.Module) -> dict[str, Tensor]:
    """By name, what is trained."""
    return {name: tensor for name, tensor in network.named_parameters() if tensor.requires_grad}


def packed(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """A matrix of a layer in int8, each row with a scale; the head and all vectors in float16."""
    tensor = tensor.detach()
    if tensor.ndim < 2 or not name.startswith(LAYERS):
        return {name: tensor.half().contiguous()}
    scale = (tensor.abs().amax(dim=1) / 127).clamp(min=1e-12)
    return {name: (tensor / scale.unsqueeze(1)).round().to(torch.int8), f"{name}{SCALE}": scale}


class Training:
    """Goes through all epochs; leaves a checkpoint behind every few minutes, and goes on from one."""

    def __init__(self, network: BertForQuestionAnswering, asked: argparse.Namespace) -> None:
        self._network = network
        self._epochs: int = asked.epochs
        self._file: Path = asked.out / f"checkpoint-{asked.layers}.pt"
        matrices = [each for each in tuned(network).values() if each.ndim > 1]
        vectors = [each for each in tuned(network).values() if each.ndim == 1]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.01)
        self._epoch = self._batch = 0
        asked.out.mkdir(parents=True, exist_ok=True)

    def run(self, examples: Examples, until: float = 1.0) -> None:
        """From where the checkpoint is to the end, or to a share of all epochs."""
        self._resume()
        saved = time.monotonic()
        told = Told()
        while self._epoch < self._epochs:
            made = examples.epoch(self._epoch)
            done = 0
            for number, batch in enumerate(batches(made, BATCH_TOKENS)):
                done += len(batch)
                if number < self._batch:
                    continue
                progress = (self._epoch + done / len(made)) / self._epochs
                told.add(batch, self._train(batch, progress), progress)
                self._batch = number + 1
                if time.monotonic() - saved > SAVED_EVERY_SECONDS:
                    self._save()
                    saved = time.monotonic()
                if progress >= until:
                    return
            self._epoch, self._batch = self._epoch + 1, 0
            self._save()

    def _train(self, batch: Sequence[Example], progress: float) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = RATE * min(progress / WARM_UP, (1 - progress) / (1 - WARM_UP))
        loss = loss_of(logits_of(self._network, batch), batch)
        loss.backward()
        nn.utils.clip_grad_norm_([each for group in self._optimizer.param_groups for each in group["params"]], 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return float(loss.detach())

    def _resume(self) -> None:
        if not self._file.exists():
            return
        found = torch.load(self._file, weights_only=True)
        self._network.load_state_dict(found["network"], strict=False)
        self._optimizer.load_state_dict(found["optimizer"])
        self._epoch, self._batch = found["epoch"], found["batch"]
        torch.set_rng_state(found["chance"])
        say(f"goes on in epoch {self._epoch} behind batch {self._batch}")

    def _save(self) -> None:
        state = {
            "network": tuned(self._network),
            "optimizer": self._optimizer.state_dict(),
            "epoch": self._epoch,
            "batch": self._batch,
            "chance": torch.get_rng_state(),
        }
        scratch = self._file.with_suffix(".new")
        torch.save(state, scratch)
        scratch.replace(self._file)


class Told:
    """A line every so many batches: how far it is, the mean loss, the speed."""

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._tokens = 0
        self._since = time.monotonic()

    def add(self, batch: Sequence[Example], loss: float, progress: float) -> None:
        """One batch was trained on."""
        self._losses.append(loss)
        self._tokens += sum(len(example.piece.ids) for example in batch)
        if len(self._losses) == TOLD_EVERY:
            rate = self._tokens / (time.monotonic() - self._since)
            say(f"{progress:.1%} loss {sum(self._losses) / TOLD_EVERY:.3f}, {rate:.0f} tokens/s")
            self.__init__()


def logits_of(network: BertForQuestionAnswering, batch: Sequence[Example]) -> Tensor:
    """(examples, tokens, 2), float32; -inf where no answer may begin or end: outside of the passage and [CLS]."""
    longest = max(len(example.piece.ids) for example in batch)
    ids, types, mask = (torch.zeros(len(batch), longest, dtype=torch.long) for _ in range(3))
    closed = torch.ones(len(batch), longest, dtype=torch.bool)
    for row, (piece, _, _) in enumerate(batch):
        length = len(piece.ids)
        ids[row, :length] = torch.tensor(piece.ids)
        types[row, :length] = torch.tensor(piece.token_types)
        mask[row, :length] = 1
        closed[row, 0] = False
        closed[row, piece.notes.places] = False
    with torch.autocast("cpu", torch.bfloat16):
        states = network.bert(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
    logits = network.qa_outputs(states.float())
    return logits.masked_fill(closed.unsqueeze(-1), -torch.inf)


def loss_of(logits: Tensor, batch: Sequence[Example]) -> Tensor:
    """Mean of the cross entropies of first and last token."""
    firsts = torch.tensor([example.first for example in batch])
    lasts = torch.tensor([example.last for example in batch])
    return (cross_entropy(logits[..., 0], firsts) + cross_entropy(logits[..., 1], lasts)) / 2


@torch.inference_mode()
def measured(network: BertForQuestionAnswering, held_out: Examples, count: int = 2000) -> Mapping[str, float]:
    """A first look, by tokens: whole answers right, and how often it is told rightly whether there is one."""
    network.eval()
    right: list[bool] = []
    told: list[bool] = []
    for batch in batches(held_out.epoch(0)[:count], BATCH_TOKENS):
        logits = logits_of(network, batch)
        for example, own in zip(batch, logits, strict=True):
            first, last, likely, none = best_span(own.numpy(), example.piece.notes.places)
            at = example.piece.notes.at
            told.append((likely > none) == (example.first > 0))
            if example.first:
                right.append((at + int(first), at + int(last)) == (example.first, example.last))
    return {
        "same span": sum(right) / len(right),
        "answered rightly": float(sum(told) / len(told)),
        "questions": len(right),
    }


def write(network: BertForQuestionAnswering, folder: Path) -> None:
    """A model that the engine reads as any other: what was tuned, and what it was tuned from."""
    tensors = [packed(name, tensor) for name, tensor in tuned(network).items()]
    save_file({name: tensor for each in tensors for name, tensor in each.items()}, folder / "model.safetensors")
    said = {"architectures": ["BertForQuestionAnswering"], KEY: embedded.NAME, "max_length": ANSWER_TOKENS}
    (folder / "config.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
