"""Where in the context a needle is found: depth by length, ours beside BM25."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tamis_evals.report.figures.style import FONT, INK, MUTED, Picture, look, panels, picture
from tamis_evals.report.frame import Floats, Frame, Rows
from tamis_evals.report.headlines import IN_THREE, OURS, SENTENCES, length
from tamis_evals.report.tables.needles import NEEDLES
from tamis_evals.report.tables.primary import NOT_LEXICAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def heat(frame: Frame) -> list[Picture]:
    """The clean rate of needles that share no telling word with their question, among rivals."""
    places = [place for place in frame.places if place.task == NEEDLES]
    rows = {arm: frame.pooled(places, arm) for arm in (SENTENCES, OURS, IN_THREE)}
    hard = {arm: frame.with_factor(each, "overlap", NOT_LEXICAL) for arm, each in rows.items()}
    rows = {arm: each for arm, each in (hard if any(map(len, hard.values())) else rows).items() if len(each)}
    lengths = sorted({place.length for place in places})
    if not rows or lengths[0] == 0 or not any(np.isfinite(frame.values(each, "clean")).any() for each in rows.values()):
        return []

    def draw(figure: Figure) -> None:
        for axes, (arm, each) in zip(panels(figure, len(rows), height=2.6), rows.items(), strict=True):
            _map(axes, grid(frame, each, lengths), lengths)
            axes.set_title(look(arm).label)

    caption = (
        "Share of needles (one-hop knowledge and two-hop, where the run has them) that are kept whole with no rival "
        "kept, in points: where in the context they lie against how long it is. Blank: not measured."
    )
    return [picture("depth-by-length", "Depth by length", caption, draw)]


def grid(frame: Frame, rows: Rows, lengths: Sequence[int]) -> Floats:
    """Mean clean rate (depths, lengths) in points; depths go to the nearest quarter; NaN where there is none."""
    depths, nominal = (frame.factors.get(name, []) for name in ("depth", "length"))
    clean, found = frame.values(rows, "clean"), np.full((len(DEPTHS), len(lengths)), np.nan)
    known = [(depth, nominal[row]) for row in rows if isinstance(depth := depths[row] if depths else None, int | float)]
    if len(known) < len(rows):
        return found
    level = np.rint(np.array([depth for depth, _ in known]) * 4)
    for column, at in enumerate(lengths):
        here = np.array([each == at for _, each in known])
        for line in range(len(DEPTHS)):
            values = clean[here & (level == line) & np.isfinite(clean)]
            if len(values):
                found[line, column] = 100 * values.mean()
    return found


def _map(axes: Axes, values: Floats, lengths: Sequence[int]) -> None:
    axes.imshow(np.ma.masked_invalid(values), cmap="Blues", vmin=0, vmax=115, aspect="auto")
    for line, column in np.argwhere(np.isfinite(values)):
        value = values[line, column]
        colour = "white" if value > 62 else "#10243d"
        axes.text(column, line, f"{value:.0f}", ha="center", va="center", size=FONT, color=colour)
    axes.set_xticks(range(len(lengths)), [length(each) for each in lengths])
    axes.set_yticks(range(len(DEPTHS)), ["start", "¼", "½", "¾", "end"])
    axes.set_xlabel("context, tokens", color=MUTED)
    axes.set_ylabel("depth", color=MUTED)
    axes.tick_params(length=0, labelcolor=INK)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
