"""The picture of the ledger: what U loses K gains, to how many digits, and at which rate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import line, picture

if TYPE_CHECKING:
    import xarray as xr

#: Where a ledger that closes to the last digit is drawn.
FLOOR = 1e-17


class Ledger:
    """Changes since the start of U, K and the sum of all energies, (time,), in mu n/mu.

    ``others``: those in vacuum and matter, by label, if they change; ``size`` = max |dU|.
    """

    def __init__(self, series: xr.Dataset) -> None:
        def change(name: str) -> np.ndarray:
            return series[name].values - series[name].values[0]

        self.refractive, self.kinetic = change("energy_refractive"), change("energy_kinetic")
        self.total = change("energy_total")
        names = {"energy_vacuum": r"$\Delta E_{\rm vac}$", "energy_matter": r"$\Delta E_{\rm mat}$"}
        changes = {label: change(name) for name, label in names.items() if name in series}
        self.others = {label: c for label, c in changes.items() if np.any(c != 0)}
        self.size = float(np.nanmax(np.abs(self.refractive)))

    @property
    def name(self) -> str:
        """The sum as a formula."""
        return r"\Delta E" if self.others else r"\Delta(K + U)"

    @property
    def drift(self) -> float:
        """max |d(K + U + ...)| / max |dU|: 1 if the energy is missing, 0 if all of it is found."""
        return float(np.nanmax(np.abs(self.total)) / self.size)


def draw_ledger(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Energies, drift of their sum (log), and rates of both sides over one time axis."""
    series = series_of(run)
    if series.sizes["time"] < 2:
        raise Skip("only one row in series.nc")
    ledger = Ledger(series)
    if not ledger.size > 0:
        raise Skip("U does not change")
    t = series["time"].values
    layout = {"nrows": 3, "sharex": True, "gridspec_kw": {"height_ratios": [1.3, 1, 1]}}
    with picture(file, (7.0, 8.0), **layout) as (figure, axes):
        figure.suptitle(title(run), fontsize=11)
        _energies(axes[0], t, ledger, float(series["number"].values[0].sum()))
        _drift(axes[1], t, ledger)
        _rates(axes[2], t, series)
        axes[2].set_xlabel(r"$t$  [$1/\mu$]")
        for ax in axes:
            ax.margins(x=0)
            where = {"loc": "lower right", "bbox_to_anchor": (1, 1), "frameon": False}
            ax.legend(ncol=5, columnspacing=1.2, handlelength=2.4, borderaxespad=0.2, **where)


def _energies(ax: Any, t: np.ndarray, ledger: Ledger, number: float) -> None:
    ax.plot(t, ledger.refractive, label=r"$\Delta U$", **line(0))
    ax.plot(t, ledger.kinetic, label=r"$\Delta K$", **line(1))
    for i, (label, values) in enumerate(ledger.others.items(), start=3):
        ax.plot(t, values, label=label, **line(i))
    ax.plot(t, ledger.total, label=f"${ledger.name}$", **line(2))
    ax.set_ylabel(r"energy  [$\mu n/\mu$]")
    per_neutrino = (lambda e: e / number, lambda e: e * number)
    ax.secondary_yaxis("right", functions=per_neutrino).set_ylabel(r"per neutrino  [$\mu$]")


def _drift(ax: Any, t: np.ndarray, ledger: Ledger) -> None:
    """The sum on the scale of what would be missing if the neutrinos kept their energy."""
    missing, left = (np.abs(x) / ledger.size for x in (ledger.refractive, ledger.total))
    ax.semilogy(t, np.maximum(missing, FLOOR), label=r"$|\Delta U|$", **line(0))
    ax.semilogy(t, np.maximum(left, FLOOR), label=f"$|{ledger.name}|$", linewidth=1.0,
                color=line(2)["color"])  # fmt: skip
    ax.set_ylim(0.3 * FLOOR, 30)
    ax.set_ylabel(r"over max $|\Delta U|$" + "\n" + r"(none: $10^{-17}$)")


def _rates(ax: Any, t: np.ndarray, series: xr.Dataset) -> None:
    ax.plot(t, series["energy_kinetic_rate"], label=r"$dK/dt$, Eq. (22)", **line(1))
    # about 60 marks: enough to see that they sit on the line
    ax.plot(t, -series["energy_refractive_osc_rate"].values, label=r"$-dU_{\rm osc}/dt$, Eq. (7)",
            marker="o", markersize=3.5, markevery=max(1, t.size // 60), color=line(0)["color"],
            markerfacecolor="none", linestyle="none")  # fmt: skip
    ax.set_ylabel(r"rate  [$\mu n$]")
