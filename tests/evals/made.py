"""Records as a run would leave them, made by a formula: what falls with length falls, and by how much is known."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tamis_evals.records import About, Record, Run
from tamis_evals.sample import Factor

LENGTHS = [1_000, 4_000, 16_000, 64_000, 128_000]
GRADES = ("verbatim", "paraphrase", "one_hop", "two_hop")


class Skill(NamedTuple):
    """Log-odds of keeping a piece of evidence at 1k tokens, what a doubling takes of it, seconds a call, overhead."""

    level: float
    fall: float
    seconds: float = 0.0
    overhead: int = 0


SKILLS = {
    "full": Skill(9.0, 0.0),
    "focused": Skill(9.0, 0.0),
    "head": Skill(0.2, 0.9),
    "random": Skill(-0.4, 0.7),
    "bm25-sentences": Skill(2.2, 0.16, 0.04),
    "bm25-blocks": Skill(1.8, 0.12, 0.05),
    "encoder": Skill(1.6, 0.14, 0.9),
    "hybrid": Skill(2.3, 0.1, 1.0),
    "ours": Skill(2.6, 0.05, 1.1, 900),
    "ours-3-calls": Skill(3.1, 0.04, 2.6, 1_300),
}
READS = {"full": (1.6, 0.42), "focused": (1.7, 0.0), "closed-book": (-2.0, 0.0)}
"""Of a reader given these: log-odds of an answer at 1k, and the fall a doubling."""
TASKS: Mapping[str, tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]] = {
    "selection": (("entailmentbank", "qed", "selqa", "clapnq"), (64, 128), ("evidence_recall", "all_evidence")),
    "multihop": (("hotpotqa", "2wiki", "musique"), (256, 512, 1024), ("evidence_recall", "all_evidence")),
    "documents": (("covidqa", "qmsum"), (512, 1024, 2048), ("character_recall", "evidence_recall")),
    "needles": (("needles",), (256, 512), ("all_evidence", "clean", "rivals_kept")),
    "agents": (("issues", "logs"), (512, 2048), ("line_recall", "line_precision")),
    "reranking": (("scifact", "cookbook-code"), (10,), ("ndcg_at_10", "mrr")),
    "reading": (("hotpotqa", "babilong"), (512,), ("f1", "em")),
}
SWEPT = ("multihop", "needles", "reading")
RANKS = ("bm25-sentences", "encoder", "hybrid", "ours")


def record(sample: str, arm: str, score: float | None, **more: Any) -> Record:
    """Of a multi-hop question at 128k, unless told."""
    given: dict[str, Any] = {
        "task": "multihop",
        "dataset": "hotpotqa",
        "sample": sample,
        "cluster": sample,
        "arm": arm,
        "budget": 512,
        "factors": {"length": 128_000},
        "metrics": {"all_evidence": score},
        "tokens": 500,
        "overhead_tokens": 0,
        "source_tokens": 128_000,
        "calls": 1,
        "seconds": 0.5,
    }
    return Record(**{**given, **more})


def scored(arm: str, right: int, of: int, **more: Any) -> list[Record]:
    """The first `right` of `of` samples right."""
    return [record(f"q{number}", arm, float(number < right), **more) for number in range(of)]


def at_1k(records: list[Record]) -> list[Record]:
    """The same questions at a thousand tokens."""
    return [each.model_copy(update={"sample": f"{each.sample}-1k", "factors": {"length": 1_000}}) for each in records]


def reading(arm: str, right: int, of: int = 100, kept: int = 500, length: int = 128_000) -> list[Record]:
    """A reader's answers."""
    return [
        each.model_copy(
            update={
                "task": "reading",
                "sample": f"{each.sample}-{length}",
                "metrics": {"f1": each.metrics["all_evidence"]},
                "factors": {"length": length},
                "tokens": kept,
                "source_tokens": length,
            }
        )
        for each in scored(arm, right, of)
    ]


def records(samples: int, seed: int = 1, stages: tuple[str, ...] = ()) -> Iterator[Record]:
    """`samples` questions a data set, in all tasks and arms."""
    rng = random.Random(seed)
    skills = SKILLS | {f"ours without {stage}": Skill(2.2, 0.08, 1.0, 900) for stage in stages}
    for task, (datasets, _, _) in TASKS.items():
        for dataset in datasets:
            for number in range(samples):
                yield from _sample(task, f"{dataset}-{number}", dataset, skills, rng)
    yield from _abstention(samples, skills, rng)


def write(folder: Path, made: Iterator[Record], quick: bool = False) -> Run:
    """A run's folder with these records."""
    run = Run(folder)
    run.describe(
        About(
            version="0.1.0",
            commit="abc1234",
            dirty=False,
            seed=11,
            quick=quick,
            lengths=LENGTHS,
            data={"made/of-nothing.json": "0" * 64},
            models={"embedded": "c9745ed"},
            machine="2 cores",
            started="2026-01-02T03:04:05Z",
        )
    )
    (folder / "records.jsonl").write_text("".join(each.model_dump_json() + "\n" for each in made), encoding="utf-8")
    return run


def _sample(task: str, name: str, dataset: str, skills: Mapping[str, Skill], rng: random.Random) -> Iterator[Record]:
    hard = rng.gauss(0, 1.2)
    rivals, grade, depth = rng.choice((0, 1, 4, 16)), rng.choice(GRADES), rng.choice((0, 0.25, 0.5, 0.75, 1))
    for length in LENGTHS if task in SWEPT else [rng.randint(3_000, 30_000)]:
        factors: dict[str, Factor] = {"length": length, "depth": depth, "rivals": rivals, "overlap": grade}
        arms = [arm for arm in skills if task != "reranking" or arm in RANKS]
        for arm in [*arms, *(["closed-book"] if task == "reading" else [])]:
            for budget in TASKS[task][1]:
                sample = f"{name}-{length}" if task in SWEPT else name
                bare = _bare((task, dataset, sample), name, factors, arm, budget)
                yield _record(bare, hard, skills, rng)


def _bare(asked: tuple[str, str, str], cluster: str, factors: dict[str, Factor], arm: str, budget: int) -> Record:
    task, dataset, sample = asked
    return Record(
        task=task,
        dataset=dataset,
        sample=sample,
        cluster=cluster,
        arm=arm,
        budget=budget,
        factors=factors,
        metrics={},
        tokens=0,
        overhead_tokens=0,
        source_tokens=0,
        calls=1,
        seconds=0.0,
    )


def _record(bare: Record, hard: float, skills: Mapping[str, Skill], rng: random.Random) -> Record:
    if bare.arm.startswith("ours") and rng.random() < 0.004:
        return bare.model_copy(update={"failed": "The engine did not answer within 60 s."})
    skill, length = skills.get(bare.arm, Skill(-9, 0)), float(bare.factors["length"])
    doublings = math.log2(length / 1_000)
    odds = skill.level - skill.fall * doublings + hard + 0.6 * math.log2(bare.budget / TASKS[bare.task][1][-1])
    kept = {"full": length, "focused": 90, "closed-book": 0}.get(bare.arm, bare.budget * rng.uniform(0.85, 1))
    return bare.model_copy(
        update={
            "metrics": _metrics(bare, odds, hard, doublings, rng),
            "tokens": round(kept),
            "overhead_tokens": skill.overhead,
            "source_tokens": int(length),
            "seconds": skill.seconds * (1 + length / 60_000) * rng.lognormvariate(0, 0.25),
        }
    )


def _metrics(bare: Record, odds: float, hard: float, doublings: float, rng: random.Random) -> dict[str, float | None]:
    share = 1 / (1 + math.exp(-odds))
    units = [rng.random() < share for _ in range(4)]
    recall, whole = sum(units) / 4, float(all(units))
    if bare.task == "reading":
        level, fall = READS.get(bare.arm, (1.6 if whole else -1.2, 0.0))
        right = rng.random() < 1 / (1 + math.exp(-(level - fall * doublings + hard / 2)))
        return {"em": float(right), "f1": 1.0 if right else rng.choice((0.0, 0.0, 0.3))}
    found: dict[str, float | None] = {
        name: whole if name in ("all_evidence", "mrr") else recall for name in TASKS[bare.task][2]
    }
    if bare.task == "needles":
        misled = bool(bare.factors["rivals"]) and rng.random() < (0.25 if bare.arm.startswith("ours") else 0.6)
        undefined = bare.factors["rivals"] == 0
        found["rivals_kept"] = None if undefined else float(misled)
        found["clean"] = None if undefined else whole * (not misled)
    return found


def _abstention(samples: int, skills: Mapping[str, Skill], rng: random.Random) -> Iterator[Record]:
    for number in range(samples):
        answerable = number % 2
        for arm in ("bm25-sentences", "encoder", "hybrid", "ours"):
            best = rng.gauss(answerable * (1.6 if arm == "ours" else 0.7), 1)
            measured = {"best": best, "answerable": float(answerable), "said_answered": float(best > 0.5)}
            bare = _bare(("abstention", "clapnq", f"abstention-{number}"), str(number), {}, arm, 256)
            yield bare.model_copy(update={"metrics": measured, "source_tokens": 900, "tokens": 200})
