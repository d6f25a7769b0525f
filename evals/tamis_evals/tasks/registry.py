"""The tasks, by the name that the command line takes."""

from __future__ import annotations

from collections.abc import Callable

from tamis_evals.tasks.abstention import Abstention
from tamis_evals.tasks.agents import Agents
from tamis_evals.tasks.babilong import Babilong
from tamis_evals.tasks.documents import Documents
from tamis_evals.tasks.multihop import Multihop
from tamis_evals.tasks.needles import Needles
from tamis_evals.tasks.reranking import Reranking
from tamis_evals.tasks.selection import Selection
from tamis_evals.tasks.task import Task

TASKS: dict[str, Callable[[], Task]] = {
    "selection": Selection,
    "reranking": Reranking,
    "multihop": Multihop,
    "documents": Documents,
    "needles": Needles,
    "babilong": Babilong,
    "agents": Agents,
    "abstention": Abstention,
}
