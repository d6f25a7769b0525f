"""How pictures look: a colour-blind-safe hue, a marker and a name for each arm, labels at the ends of lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tamis_evals.report.headlines import BLOCKS, CLOSED, FOCUSED, FULL, IN_THREE, OURS, SENTENCES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE = "#1b1c1e", "#6a6d72", "#d9dbdf"
"""Of text and lines. Pictures are drawn for a light ground, which the page gives them in the dark too."""
DPI = 160
FONT = 9.5
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "tamis",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": FONT,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.titlesize": FONT + 1.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.minor.visible": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


class Look(NamedTuple):
    """Of an arm: colour, dashes, marker, width of its line, and how it is called in a picture."""

    colour: str
    dashes: str
    marker: str
    width: float
    label: str


LOOKS = {
    # Okabe and Ito's and Tol's hues, ours the darkest of them; markers and dashes tell them apart without colour
    FULL: Look("#77797d", "-", "s", 1.8, "full context"),
    FOCUSED: Look("#77797d", "--", "*", 1.4, "focused"),
    CLOSED: Look("#a3a6ab", ":", "x", 1.2, "closed book"),
    "head": Look("#a58a6f", "-.", "v", 1.3, "head"),
    "tail": Look("#a58a6f", ":", "^", 1.3, "tail"),
    "random": Look("#a3a6ab", "-.", "x", 1.3, "random"),
    SENTENCES: Look("#e07b00", "-", "o", 1.8, "BM25 sentences"),
    BLOCKS: Look("#c9a400", "-", "D", 1.5, "BM25 blocks"),
    "encoder": Look("#009e73", "-", "P", 1.5, "encoder"),
    "hybrid": Look("#2fa8e0", "-", "X", 1.5, "hybrid"),
    OURS: Look("#0059b3", "-", "o", 2.8, "ours"),
    IN_THREE: Look("#b1308c", "-", "h", 2.4, "ours, 3 calls"),
}
OTHERS = ("#7b5ea7", "#8c564b", "#4d9078", "#d1495b")


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure; `caption` says how to read it."""

    name: str
    title: str
    caption: str
    svg: str
    png: bytes


class Mark(NamedTuple):
    """Where a line ends, to be labelled beside it."""

    height: float
    arm: str


def look(arm: str) -> Look:
    """Of an arm; one that is not known keeps its hue from picture to picture."""
    return LOOKS.get(arm) or Look(OTHERS[sum(map(ord, arm)) % len(OTHERS)], "--", "d", 1.5, arm)


def picture(name: str, title: str, caption: str, draw: Callable[[Figure], None]) -> Picture:
    """What `draw` makes of an empty figure, as SVG and PNG (on white); the same input gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS):
        figure = Figure()
        FigureCanvasAgg(figure)
        draw(figure)
        text, pixels = StringIO(), BytesIO()
        figure.savefig(text, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.08)
        figure.savefig(pixels, format="png", dpi=DPI, facecolor="white", bbox_inches="tight", pad_inches=0.12)
    return Picture(name, title, caption, text.getvalue(), pixels.getvalue())


def panels(figure: Figure, count: int, height: float = 3.0, width: float = 3.6, per_row: int = 3) -> list[Axes]:
    """`count` axes in rows of at most three, with room for labels to their right."""
    columns = min(count, per_row)
    rows = math.ceil(count / columns)
    aside, between = 1.75, 0.85
    figure.set_size_inches(columns * (width + aside) - aside, rows * (height + between) - between)
    edges = {"left": 0, "right": 1, "bottom": 0, "top": 1}
    grid = figure.add_gridspec(rows, columns, wspace=aside / width, hspace=between / height, **edges)
    return [figure.add_subplot(grid[divmod(number, columns)]) for number in range(count)]


def shares(axes: Axes, label: str) -> None:
    """The upright axis in points from 0 to 100."""
    axes.set_ylim(-2, 104)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel(label)
    axes.tick_params(length=0)
    axes.grid(visible=False, axis="x")


def logarithmic(axes: Axes, ticks: Sequence[float], names: Iterable[str], label: str) -> None:
    """The level axis to base 2, with the ticks given and no others."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(ticks), list(names))
    axes.minorticks_off()
    axes.set_xlabel(label)


def label_ends(axes: Axes, marks: Sequence[Mark], size: float = FONT - 0.5) -> None:
    """The arms' names right of the axes, at the height of their lines or as near as fits."""
    bottom, top = axes.get_ylim()
    logs = axes.get_yscale() == "log"
    scale = math.log if logs else float
    least, extent = scale(bottom), scale(top) - scale(bottom)
    scaled = [(scale(mark.height) - least) / extent for mark in marks]
    inches = axes.get_window_extent().height / axes.figure.dpi
    for mark, place in zip(marks, spread(scaled, size * 1.22 / 72 / inches), strict=True):
        arm = look(mark.arm)
        weight = "bold" if mark.arm in (OURS, IN_THREE) else "normal"
        axes.text(
            1.03, place, arm.label, color=arm.colour, size=size, weight=weight, va="center", transform=axes.transAxes
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """The places moved as little as makes them `gap` apart, between 0 and 1 where they fit; the order stays.

    Least squares under an order is isotonic regression, of the places less the room that those below them take.
    """
    from scipy.optimize import isotonic_regression

    if not places:
        return []
    order = np.argsort(np.asarray(places), kind="stable")
    room = np.arange(len(places)) * gap
    moved = isotonic_regression(np.asarray(places)[order] - room).x.clip(0, max(0.0, 1 - room[-1])) + room
    found = np.empty(len(places))
    found[order] = moved
    return found.tolist()
