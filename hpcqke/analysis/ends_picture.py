"""The picture of an open box: how many neutrinos are in it, and how many cross its ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpcqke import state
from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import line, picture

NAMES = {"nu": r"$\nu$", "nubar": r"$\bar\nu$"}


def draw_ends(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Content against time over the number fluxes through both ends."""
    series = series_of(run)
    if series.sizes["time"] < 2:
        raise Skip("only one row in series.nc")
    t = series["time"].values
    with picture(file, (7.0, 6.0), nrows=2, sharex=True) as (figure, axes):
        figure.suptitle(title(run), fontsize=11)
        for i, species in enumerate(str(name) for name in series["species"].values):
            one, name = series.sel(species=species), NAMES.get(species, species)
            axes[0].plot(t, one["number"].values, label=name, **line(i))
            for j, end in enumerate(("left", "right")):
                flux = one[f"flux_{end}"].transpose("time", "component").values
                axes[1].plot(t, state.trace(flux), label=f"{name}, {end} end", **line(2 * i + j))
        axes[0].set_ylabel(r"$\int \Sigma\, {\rm Tr}\,\rho\; dz$")
        axes[1].set_ylabel(r"$\Sigma\, v\, {\rm Tr}\,\rho$  (+: towards $+z$)")
        axes[1].set_xlabel(r"$t$  [$1/\mu$]")
        for ax in axes:
            ax.margins(x=0)
            ax.legend(ncol=4, loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
