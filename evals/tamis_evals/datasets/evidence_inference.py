"""Evidence Inference v2: what a trial's full report says about one outcome, with the passages that doctors marked.

Only the articles of the validation part are read. A prompt is asked in the words that the data set's own guide gives
it. Of the annotations those count that the verifier accepted, label and reasoning both. Several annotators may have
marked different passages for one prompt; each of them is evidence, and any of them answers.
"""

from __future__ import annotations

import csv
import io
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Span
from tamis_evals.datasets.spans import Question, joined

FOLDER = "evidence-inference-v2"
QUERY = (
    "With respect to {Outcome}, characterize the reported difference between {Intervention} "
    "and those receiving {Comparator}."
)


def questions(data: Data) -> Iterator[Question]:
    """The validation prompts that have accepted evidence, in the order of their numbers; raises `DataMissing`."""
    articles = _articles(data)
    prompts = {row["PromptID"]: row for row in _rows(data, "prompts_merged.csv")}
    for prompt, spans in sorted(_evidence(data, articles).items(), key=lambda item: int(item[0])):
        row = prompts[prompt]
        article = row["PMCID"]
        query = QUERY.format_map({name: " ".join(value.split()) for name, value in row.items()})
        yield Question(prompt, f"PMC{article}", f"PMC{article}.txt", articles[article], query, joined(spans))


def _articles(data: Data) -> dict[str, str]:
    wanted = set(data.text(f"{FOLDER}/splits/ev2_validation_article_ids.txt").split())
    packed = io.BytesIO(data.bytes(f"{FOLDER}/txt_files.tar.gz"))
    texts: dict[str, str] = {}
    with tarfile.open(fileobj=packed) as archive:
        for member in archive:
            number = PurePosixPath(member.name).stem.removeprefix("PMC")
            file = archive.extractfile(member) if number in wanted else None
            if file is not None:
                texts[number] = file.read().decode("utf-8")
    return texts


def _evidence(data: Data, articles: dict[str, str]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = defaultdict(list)
    for row in _rows(data, "v2_annotations.csv"):
        text = articles.get(row["PMCID"])
        if text is None or row["Valid Label"] != "True" or row["Valid Reasoning"] != "True":
            continue
        span = Span(int(float(row["Evidence Start"])), int(float(row["Evidence End"])))
        if 0 <= span.start < span.end <= len(text):  # -1: the passage could not be aligned with the text
            found[row["PromptID"]].append(span)
    return found


def _rows(data: Data, name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(data.text(f"{FOLDER}/{name}"), newline=""))
