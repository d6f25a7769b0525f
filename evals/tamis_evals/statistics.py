"""Intervals and tests for paired, clustered results: nothing here knows of tasks, arms or records.

Everything is paired by sample, and clusters (papers, meetings, haystacks) are resampled, not samples: ten questions on
one paper are far less than ten independent ones. Undefined values are left out, never taken as zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 10_000
SEED = 11
BLOCK = 1_000
"""Resamples at a time, which bounds the memory."""
EXACT_CLUSTERS = 13
"""Up to here all 2^clusters sign patterns are tried, fewer than `RESAMPLES`."""
TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval, over `n` samples in `clusters` clusters; NaN bounds where none can be given."""

    value: float
    low: float
    high: float
    n: int
    clusters: int

    @property
    def bounded(self) -> bool:
        """Whether there is an interval; a single cluster has none."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def mean(values: ArrayLike, clusters: ArrayLike) -> Estimate | None:
    """Of fractions: Wilson's interval for independent yes and no, else the bootstrap's; None without values."""
    found, groups = _defined(clusters, values)
    sample = found[0]
    if not len(sample):
        return None
    if len(np.unique(groups)) == len(sample) and bool(np.isin(sample, (0, 1)).all()):
        low, high = wilson(int(sample.sum()), len(sample))
        return Estimate(float(sample.mean()), low, high, len(sample), len(sample))
    return _bootstrapped(sample, groups, (0.0, 1.0))


def difference(first: ArrayLike, second: ArrayLike, clusters: ArrayLike) -> Estimate | None:
    """Mean of `first` - `second` over the samples where both are defined."""
    found, groups = _defined(clusters, first, second)
    return _bootstrapped(found[0] - found[1], groups, (-1.0, 1.0)) if len(groups) else None


def ratio(gained: ArrayLike, possible: ArrayLike, clusters: ArrayLike) -> Estimate | None:
    """Mean of `gained` over mean of `possible`, with the paired bootstrap's interval; None where none is possible.

    Where more than a tail of the resamples has nothing possible, the ratio has no interval (its bounds are NaN).
    """
    found, groups = _defined(clusters, gained, possible)
    if not len(groups) or found[1].mean() <= 0:
        return None
    sums = totals(found.T, groups)
    draws = resampled(sums)
    usable = draws[:, 1] > 0
    bounds = (math.nan, math.nan)
    if len(sums) > 1 and usable.mean() >= 1 - TAIL:
        bounds = _percentiles(draws[usable, 0] / draws[usable, 1])
    return Estimate(float(found[0].mean() / found[1].mean()), *bounds, len(groups), len(sums))


def p_value(first: ArrayLike, second: ArrayLike, clusters: ArrayLike) -> float | None:
    """Two-sided, of no difference: exact McNemar for independent yes and no, else sign flips; None without pairs."""
    found, groups = _defined(clusters, first, second)
    if not len(groups):
        return None
    if len(np.unique(groups)) == len(groups) and bool(np.isin(found, (0, 1)).all()):
        return mcnemar(found[0], found[1])
    return sign_flip(found[0] - found[1], groups)


def mcnemar(first: ArrayLike, second: ArrayLike) -> float:
    """Exact two-sided p of paired yes and no: a binomial test of the discordant pairs; 1 where there are none."""
    from scipy.stats import binomtest

    won, lost = np.asarray(first) > np.asarray(second), np.asarray(first) < np.asarray(second)
    discordant = int(won.sum() + lost.sum())
    return float(binomtest(int(won.sum()), discordant, 0.5).pvalue) if discordant else 1.0


def sign_flip(differences: ArrayLike, clusters: ArrayLike) -> float:
    """Two-sided p of a mean of zero, the signs of whole clusters being exchangeable; exact for few clusters.

    Otherwise by 10,000 random patterns, the observed one counted among them (Phipson and Smyth 2010): never zero.
    """
    values = np.asarray(differences, np.float64)
    sums = totals(values[:, None], np.asarray(clusters, np.int64))[:, 0]
    least = abs(sums.sum()) - 1e-9
    if len(sums) <= EXACT_CLUSTERS:
        patterns = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1
        return float(np.mean(np.abs((2 * patterns - 1) @ sums) >= least))
    rng = np.random.default_rng(SEED)
    beyond = 0
    for _ in range(RESAMPLES // BLOCK):
        signs = rng.integers(0, 2, (BLOCK, len(sums)), np.int8).astype(np.float64) * 2 - 1
        beyond += int(np.sum(np.abs(signs @ sums) >= least))
    return (1 + beyond) / (1 + RESAMPLES)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down correction for the family, in the order given."""
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        least = max(least, min(1.0, p_values[place] * (len(p_values) - rank)))
        corrected[place] = least
    return corrected


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927); n is at least 1."""
    from scipy.stats import binomtest

    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def auroc_interval(scores: ArrayLike, positive: ArrayLike, clusters: ArrayLike) -> tuple[float, float]:
    """The clustered bootstrap's 95 % interval of the area under the ROC curve; ties count half.

    A resample without both classes says nothing and is left out; NaN where that leaves less than two clusters.
    """
    values, kinds = np.asarray(scores, np.float64), np.asarray(positive, bool)
    groups = np.unique(np.asarray(clusters), return_inverse=True)[1]
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) > 0])
    draws: list[Floats] = []
    for weights in _weights(int(groups.max()) + 1) if len(groups) else ():
        each = weights[:, groups[order]]
        yes = np.add.reduceat(each * kinds[order], starts, axis=1)
        no = np.add.reduceat(each * ~kinds[order], starts, axis=1)
        pairs = yes.sum(axis=1) * no.sum(axis=1)
        above = (yes * (np.cumsum(no, axis=1) - no / 2)).sum(axis=1)
        draws.append(above[pairs > 0] / pairs[pairs > 0])
    found = np.concatenate(draws) if draws else np.empty(0)
    return _percentiles(found) if len(found) and len(np.unique(groups)) > 1 else (math.nan, math.nan)


def totals(columns: Floats, clusters: Ints) -> Floats:
    """Sums within clusters of columns (samples, k): (clusters, k), in the order of the clusters' numbers."""
    codes = np.unique(clusters, return_inverse=True)[1]
    sums = np.zeros((int(codes.max()) + 1 if len(codes) else 0, columns.shape[1]))
    np.add.at(sums, codes, columns)
    return sums


def resampled(sums: Floats) -> Floats:
    """Sums of clusters drawn with replacement, as many as there are: (clusters, k) to (10,000, k).

    The same number of clusters gives the same draws, so that figures of the same clusters are paired.
    """
    return np.concatenate([weights @ sums for weights in _weights(len(sums))])


def _weights(clusters: int) -> Iterator[Floats]:
    """How often each cluster is drawn, a block (BLOCK, clusters) of resamples at a time."""
    times = _drawn(clusters)
    for start in range(0, RESAMPLES, BLOCK):
        yield times[start : start + BLOCK].astype(np.float64)


@lru_cache(maxsize=4)
def _drawn(clusters: int) -> NDArray[np.uint16]:
    rng = np.random.default_rng((SEED, clusters))
    blocks: list[NDArray[np.uint16]] = []
    for _ in range(RESAMPLES // BLOCK):
        drawn = rng.integers(0, clusters, (BLOCK, clusters)) + np.arange(BLOCK)[:, None] * clusters
        counts = np.bincount(drawn.ravel(), minlength=BLOCK * clusters)
        blocks.append(counts.reshape(BLOCK, clusters).astype(np.uint16))
    return np.concatenate(blocks)


def _defined(clusters: ArrayLike, *columns: ArrayLike) -> tuple[Floats, Ints]:
    """Columns (k, samples) and clusters, of the samples where every column has a value."""
    rows = np.stack([np.asarray(column, np.float64) for column in columns])
    usable = np.isfinite(rows).all(axis=0)
    return rows[:, usable], np.unique(np.asarray(clusters), return_inverse=True)[1][usable]


def _bootstrapped(values: Floats, clusters: Ints, limits: tuple[float, float]) -> Estimate:
    sums = totals(np.stack([values, np.ones_like(values)], axis=1), clusters)
    value, bounds = float(values.mean()), (math.nan, math.nan)
    if len(sums) > 1 and np.ptp(values) > 1e-12:
        draws = resampled(sums)
        bounds = _percentiles(draws[:, 0] / draws[:, 1])
    elif len(sums) > 1:
        # all the same: resampling would claim certainty, a share of 0 in as many clusters does not
        rare = wilson(0, len(sums))[1]
        bounds = max(value - rare, limits[0]), min(value + rare, limits[1])
    return Estimate(value, *bounds, len(values), len(sums))


def _percentiles(draws: Floats) -> tuple[float, float]:
    low, high = np.quantile(draws, (TAIL, 1 - TAIL))
    return float(low), float(high)
