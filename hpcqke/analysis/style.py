"""One look for every picture: readable on a screen, on paper, and in grey."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Lightness rises monotonically, so the map survives a grey print; white paper means "none".
COLORMAP = "magma_r"
#: Colours of lines: dark to light, told apart by eyes of every kind, each with its own dash.
LINES = (
    ("#1b1b1b", "-"),
    ("#c1403d", "--"),
    ("#2f6db3", "-."),
    ("#7a9a01", ":"),
    ("#8e5ea2", (0, (5, 1, 1, 1, 1, 1))),
    ("#d98c00", (0, (1, 1))),
)
#: What lines of a run are drawn on: broad and grey.
THEORY = {"color": "0.45", "linewidth": 4.5, "alpha": 0.45, "solid_capstyle": "butt", "zorder": 1}
#: Flavor pairs as labels.
SECTOR = {"ex": r"$ex$", "emu": r"$e\mu$", "etau": r"$e\tau$", "mutau": r"$\mu\tau$"}
SETTINGS = {
    "font.size": 10.5,
    "axes.labelsize": 11,
    "axes.titlesize": 11,
    "legend.fontsize": 9,
    "legend.framealpha": 0.9,
    "figure.dpi": 150,
    "axes.grid": True,
    "grid.color": "0.88",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "mathtext.fontset": "dejavusans",
    "xtick.direction": "in",
    "ytick.direction": "in",
}


#: What takes the place of the units of the box in labels, set by `units_of`.
_UNITS: ContextVar[dict[str, str] | None] = ContextVar("units", default=None)
IN_CM = {
    r"[$1/\mu$]": "[cm]",
    r"[$\mu$]": "[1/cm]",
    r"[$\mu n/\mu$]": "[$n$]",
    r"[$\mu n$]": "[$n$/cm]",
}


@contextmanager
def units_of(system: str) -> Iterator[None]:
    """Pictures drawn inside have labels in the units of a case, "mu" or "cm"."""
    token = _UNITS.set(IN_CM if system == "cm" else None)
    try:
        yield
    finally:
        _UNITS.reset(token)


def _relabel(figure: Figure) -> None:
    """Put the units into all labels and legend titles."""
    from matplotlib.text import Text

    units = _UNITS.get() or {}
    for text in figure.findobj(Text) if units else ():
        for box, physical in units.items():
            if box in text.get_text():
                text.set_text(text.get_text().replace(box, physical))


@contextmanager
def picture(file: Path, size: tuple[float, float], **gridspec: Any) -> Iterator[tuple[Figure, Any]]:
    """`with picture(file, (width, height), nrows=2) as (figure, axes)`: drawn, written, let go.

    Sizes in inches; keywords go to Figure.subplots.  No display is needed and pyplot is not used,
    so nothing global changes.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(**gridspec)
        yield figure, axes
        _relabel(figure)
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, format="png")


def line(i: int) -> dict[str, Any]:
    """Colour and dash of line number i."""
    color, dash = LINES[i % len(LINES)]
    return {"color": color, "linestyle": dash}
