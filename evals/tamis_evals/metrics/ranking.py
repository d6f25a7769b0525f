"""How good a ranking is, with the definitions of trec_eval and relevance of grade 0 or 1.

`ranked` holds numbers of sources, best first; a number that comes twice counts where it comes first. `relevant` holds
those that should have come. Every metric is None where nothing is relevant: then there is nothing to find.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

CUTS = (5, 10, 20)


def measured(ranked: Sequence[int], relevant: Collection[int]) -> Mapping[str, float | None]:
    """nDCG@10, MRR, and of the first 5, 10 and 20 the share found (`pass_at`) and whether any was (`success_at_10`).

    The share found is recall; it goes by the name that Anthropic published it under.
    """
    return {
        "ndcg_at_10": ndcg(ranked, relevant, 10),
        "mrr": reciprocal_rank(ranked, relevant),
        "success_at_10": success(ranked, relevant, 10),
        **{f"pass_at_{cut}": recall(ranked, relevant, cut) for cut in CUTS},
    }


def ndcg(ranked: Sequence[int], relevant: Collection[int], k: int) -> float | None:
    """Discounted gain of the first k, divided by that of the best possible order (Järvelin and Kekäläinen, 2002).

    trec_eval's `ndcg_cut`: gain 1, discount log2(rank + 1), the best order also cut at k.
    """
    if not relevant:
        return None
    gained = math.fsum(_discount(rank) for rank in _hits(ranked, relevant, k))
    return gained / math.fsum(_discount(rank) for rank in range(1, min(k, len(set(relevant))) + 1))


def reciprocal_rank(ranked: Sequence[int], relevant: Collection[int]) -> float | None:
    """One over the rank of the first relevant source; 0 where the ranking has none."""
    if not relevant:
        return None
    return next((1 / rank for rank in _hits(ranked, relevant, len(ranked))), 0.0)


def recall(ranked: Sequence[int], relevant: Collection[int], k: int) -> float | None:
    """Share of the relevant sources that are among the first k: trec_eval's `recall`, and Anthropic's Pass@k."""
    if not relevant:
        return None
    return len(_hits(ranked, relevant, k)) / len(set(relevant))


def success(ranked: Sequence[int], relevant: Collection[int], k: int) -> float | None:
    """1 where any relevant source is among the first k: trec_eval's `success`."""
    if not relevant:
        return None
    return float(bool(_hits(ranked, relevant, k)))


def _hits(ranked: Sequence[int], relevant: Collection[int], k: int) -> list[int]:
    """Ranks, from 1, of the relevant ones among the first k."""
    distinct = list(dict.fromkeys(ranked))[:k]
    return [rank for rank, number in enumerate(distinct, start=1) if number in relevant]


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)
