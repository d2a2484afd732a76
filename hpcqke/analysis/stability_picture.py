"""The picture of `hpcqke stability --png`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis.style import SECTOR, line, picture, units_of

if TYPE_CHECKING:
    import xarray as xr

BRANCH = {"symmetric": "axially symmetric", "breaking": r"$\propto e^{\pm i\phi}$"}


def draw_stability(result: xr.Dataset, file: Path) -> None:
    """gamma(k), Re Omega(k) of both branches and the distribution G(v), a column a flavor pair."""
    sectors = [str(s) for s in result["sector"].values]
    columns = len(sectors)
    panels = {"nrows": 3, "ncols": columns, "squeeze": False}
    with (
        units_of(result.attrs["system"]),
        picture(file, (6.0 * columns, 7.4), **panels) as (_, axes),
    ):
        for (upper, middle, lower), sector in zip(axes.T, sectors, strict=True):
            one = result.sel(sector=sector)
            middle.sharex(upper)
            for i, branch in enumerate(result["branch"].values):
                _branch(upper, middle, one.sel(branch=branch), str(branch), 2 * i)
            upper.set_title(f"{result.attrs['case']}, {SECTOR.get(sector, sector)}")
            upper.set_ylabel(r"$\gamma = {\rm Im}\,\Omega$  [$\mu$]")
            middle.set_ylabel(r"${\rm Re}\,\Omega$  [$\mu$]")
            middle.set_xlabel(r"$k$  [$\mu$]")
            upper.legend(loc="best")
            low, high = middle.get_ylim()
            if high - low < 1e-6:
                middle.set_ylim(low - 0.5, high + 0.5)
            growing = one["k"].values[(one["gamma"].values > 0).any(axis=0)]
            if growing.size:
                margin = 0.3 * np.ptp(growing) + 2 * np.pi / result.attrs["length"]
                middle.set_xlim(growing.min() - margin, growing.max() + margin)
            _distribution(lower, one)


def _branch(upper: Any, middle: Any, one: xr.Dataset, branch: str, style: int) -> None:
    """One branch: its bands, the rates of the box's waves and on its grid, and spurious ones."""
    for low, high in zip(one["band_low"].values, one["band_high"].values, strict=True):
        if np.isfinite(low):
            for ax in (upper, middle):
                ax.axvspan(low, high, color="0.92", zorder=0)
    marks = {"marker": "o", "markersize": 3}
    if branch == "symmetric" or (one["gamma"].values > 0).any():
        upper.plot(one["k"], one["gamma"], label=BRANCH[branch], **line(style), **marks)
        label = "on the grid in z" if style == 0 else None
        upper.plot(one["k"], one["gamma_on_grid"], label=label, **line(style + 1))
        middle.plot(one["k"], one["re_omega"], **line(style), **marks)
    if np.isfinite(one["gamma_doubled"].values).any():
        label = r"with $2N_v$" if style == 0 else None
        upper.plot(one["k"], one["gamma_doubled"], "x", color="0.4", label=label)
    spurious = one.isel(k=np.flatnonzero(one["spurious"].values))
    if spurious.sizes["k"]:
        label = None if "spurious" in upper.get_legend_handles_labels()[1] else "spurious"
        upper.plot(spurious["k"], spurious["gamma"], "s", markersize=8, color="none",
                   markeredgecolor=line(1)["color"], label=label)  # fmt: skip


def _distribution(ax: Any, one: xr.Dataset) -> None:
    """G(v) and its crossings."""
    order = np.argsort(one["v"].values)
    ax.axhline(0.0, color="0.5", linewidth=0.8)
    ax.plot(one["v"].values[order], one["eln"].values[order], marker="o", markersize=3, **line(0))
    for v in one["eln_crossing"].values:
        if np.isfinite(v):
            ax.axvline(v, **line(1))
    ax.set_xlabel(r"$v = \cos\theta$")
    ax.set_ylabel(r"$G(v)$  [$n$]")
