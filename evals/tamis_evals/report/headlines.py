"""Which metric at which budget stands for a task, which arms are what, and which data sets a model has seen."""

from __future__ import annotations

from typing import NamedTuple


class Headline(NamedTuple):
    """A metric, and the budget in tokens (for a ranking: how many) that it is shown at where the run has it."""

    metric: str
    budget: int


HEADLINES = {
    "selection": Headline("evidence_recall", 128),
    "reranking": Headline("ndcg_at_10", 20),
    "multihop": Headline("all_evidence", 512),
    "documents": Headline("character_recall", 512),
    "needles": Headline("clean", 512),
    "babilong": Headline("all_evidence", 1024),
    "agents": Headline("line_recall", 2048),
    "abstention": Headline("auroc", 0),
    "reading": Headline("f1", 512),
}
OTHERWISE = Headline("evidence_recall", 512)
BUDGETS = {"musique": 1024, "qmsum": 2048, "logs": 512}
"""Of data sets for which their task's budget is too small or too large, whatever the arm."""
FALLBACKS = ("evidence_recall", "character_recall", "ndcg_at_10", "line_recall", "em")
"""In place of a headline that the data set has not, the first that it has."""

OURS, IN_THREE = "ours", "ours-3-calls"
FULL, FOCUSED, CLOSED = "full", "focused", "closed-book"
SENTENCES, BLOCKS = "bm25-sentences", "bm25-blocks"
ARMS = (
    FULL,
    FOCUSED,
    OURS,
    IN_THREE,
    SENTENCES,
    BLOCKS,
    "encoder",
    "hybrid",
    "head",
    "tail",
    "random",
    CLOSED,
)
"""In the order of tables; others follow by name."""
TASKS = ("reading", "multihop", "needles", "babilong", "documents", "agents", "selection", "reranking", "abstention")
"""Likewise."""
REFERENCES = (FULL, FOCUSED, CLOSED)
"""Not held to a budget, or not choosing: never the best in a row."""
ABLATED = "ours without"
"""How the names of arms begin that are ours with a stage switched off."""

SEEN = ("clapnq", "qed", "xquad", "scifact", "lost-in-the-middle", "lost-in-middle", "cookbook-code", "cookbook code")
"""Beginnings or parts of the names of data sets from distributions that all-MiniLM-L6-v2 was trained on."""
DAGGER = "†"
SEEN_NOTE = (
    "† Natural Questions (clapnq, qed, lost in the middle), SQuAD 2.0 (xquad), CodeSearchNet and S2ORC are among the "
    "training pairs of all-MiniLM-L6-v2, which Tamis embeds: these data sets (scifact and the cookbook's code in part) "
    "come from distributions it has seen. They are in no primary endpoint."
)


def headline(task: str, dataset: str) -> Headline:
    """What is shown of a data set of a task; `multihop-4-rivals` is a variant of `multihop`."""
    found = HEADLINES.get(task.partition("-")[0], OTHERWISE)
    own = next((budget for name, budget in BUDGETS.items() if name in dataset.lower()), None)
    return found if own is None or task == "reading" else found._replace(budget=own)


def rank(arm: str) -> tuple[int, str]:
    """By which arms are sorted."""
    return (ARMS.index(arm) if arm in ARMS else len(ARMS), arm)


def turn(task: str) -> tuple[int, str]:
    """By which tasks are sorted; variants stand by their task."""
    name = task.partition("-")[0]
    return (TASKS.index(name) if name in TASKS else len(TASKS), task)


def marked(dataset: str) -> str:
    """The data set's name, with a dagger where the embedded model has seen its like."""
    name = dataset.lower().replace("_", "-")
    return dataset + DAGGER if any(part in name for part in SEEN) else dataset


def spoken(metric: str) -> str:
    """A metric's name in words."""
    return {"ndcg_at_10": "nDCG@10", "pass_at_10": "pass@10", "mrr": "MRR", "f1": "F1", "em": "exact match"}.get(
        metric, metric.replace("_", " ")
    )


def length(tokens: int) -> str:
    """1,000 as 1k; 128,000 as 128k."""
    return f"{tokens / 1_000:.3g}k" if tokens >= 1_000 else str(tokens)
