"""How quality falls as context grows: points lost a doubling, the length that still serves, and what is won back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamis_evals.statistics import Estimate, ratio

Floats = NDArray[np.float64]

SHARE = 0.85
"""Of the score at the shortest length: below it, a length no longer serves (NoLiMa, Modarressi et al. 2025)."""
LEAST_GAP = 0.05
"""Of focused over full context: where less is lost to length, there is nothing to win back."""
STEPS = 60
STEEPEST = 12.0
"""Log-odds a doubling beyond which the scores are separated by length and the logistic fit has no maximum."""


def slope(lengths: ArrayLike, sums: ArrayLike, counts: ArrayLike) -> Floats:
    """Points (of 100) a doubling of length, negative where quality rots.

    `lengths` (k,) in tokens; `sums` (…, k) of the scores, fractions from 0 to 1, of `counts` (…, k) samples; the result
    has the leading shape. A logistic curve on log2 of the length is fitted by maximum likelihood (fractions as
    quasi-binomial, Papke and Wooldridge 1996); the slope is its fall from the shortest to the longest length, divided
    by the doublings between. Where the curve has no maximum (scores all 0, all 1, or separated by length) it is the
    slope of the weighted least squares line instead. NaN with fewer than two lengths.
    """
    scores, weights = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    doublings = np.broadcast_to(np.log2(np.asarray(lengths, np.float64)), weights.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (weights * doublings).sum(axis=-1, keepdims=True) / weights.sum(axis=-1, keepdims=True)
        places = doublings - centre
        line = (places * scores).sum(axis=-1) / (weights * places**2).sum(axis=-1)
        level, steepness, fits = _logistic(places, scores, weights)
        first = np.where(weights > 0, places, np.inf).min(axis=-1)
        last = np.where(weights > 0, places, -np.inf).max(axis=-1)
        curve = (_share(level + steepness * last) - _share(level + steepness * first)) / (last - first)
    return np.where((weights > 0).sum(axis=-1) < 2, np.nan, np.where(fits, curve, line) * 100)


def effective_length(scores: Mapping[int, float]) -> int | None:
    """The longest length in tokens with at least 85 % of the score at the shortest; None where that is 0 or unknown."""
    if not scores or scores[min(scores)] <= 0:
        return None
    least = SHARE * scores[min(scores)] - 1e-12
    return max(length for length, score in scores.items() if score >= least)


def recovery(arm: ArrayLike, full: ArrayLike, focused: ArrayLike, clusters: ArrayLike) -> Estimate | None:
    """(arm - full) / (focused - full) of the means over the samples where all three are defined, with its interval.

    0 is no better than the whole context, 1 as good as the evidence alone. None where focused - full is below 5 points.
    """
    scores = np.stack([np.asarray(column, np.float64) for column in (arm, full, focused)])
    usable = np.isfinite(scores).all(axis=0)
    gained, gap = scores[0] - scores[1], scores[2] - scores[1]
    if not usable.any() or gap[usable].mean() < LEAST_GAP - 1e-12:
        return None
    return ratio(gained, gap, clusters)


def _logistic(places: Floats, scores: Floats, weights: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Level and steepness of the curves (Newton's method, all at once), and whether there is a maximum."""
    level, steepness = np.zeros(weights.shape[:-1]), np.zeros(weights.shape[:-1])
    moved = np.zeros_like(level)
    for _ in range(STEPS):
        share = _share(level[..., None] + steepness[..., None] * places)
        missing, spread = scores - weights * share, weights * share * (1 - share)
        gradient, tilt = missing.sum(axis=-1), (missing * places).sum(axis=-1)
        flat, mixed, steep = (np.sum(spread * places**power, axis=-1) for power in (0, 1, 2))
        determinant = np.maximum(flat * steep - mixed**2, 1e-12)
        by_level = np.clip((steep * gradient - mixed * tilt) / determinant, -1, 1)
        by_steepness = np.clip((flat * tilt - mixed * gradient) / determinant, -1, 1)
        level, steepness = level + by_level, steepness + by_steepness
        moved = np.abs(by_level) + np.abs(by_steepness)
        if np.all((moved < 1e-8) | (np.abs(steepness) > STEEPEST)):
            break
    return level, steepness, (moved < 1e-6) & (np.abs(steepness) < STEEPEST)


def _share(log_odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
