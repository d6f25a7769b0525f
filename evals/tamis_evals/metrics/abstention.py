"""Whether an arm's highest score tells a question that the sources answer from one that they do not."""

from __future__ import annotations

from collections.abc import Sequence


def auroc(answerable: Sequence[float], unanswerable: Sequence[float]) -> float | None:
    """Chance that a random answerable question scores higher than a random unanswerable one; ties count half.

    The Mann-Whitney statistic over the product of both sizes: the area under the ROC curve. None where either is empty.
    """
    # scipy takes half a second to load, and only reports need it.
    from scipy.stats import rankdata

    first, second = len(answerable), len(unanswerable)
    if not first or not second:
        return None
    ranks = rankdata([*answerable, *unanswerable])
    return float((ranks[:first].sum() - first * (first + 1) / 2) / (first * second))
