"""The picture of `hpcqke stability --png`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpcqke.analysis.style import SECTOR, line, picture

if TYPE_CHECKING:
    import xarray as xr


def draw_stability(result: xr.Dataset, file: Path) -> None:
    """gamma(k) and Re Omega(k) of `hpcqke stability`, one column for each flavor pair."""
    sectors = [str(s) for s in result["sector"].values]
    columns = len(sectors)
    with picture(
        file, (6.0 * columns, 5.2), nrows=2, ncols=columns, sharex="col", squeeze=False
    ) as (_, axes):
        for (upper, lower), sector in zip(axes.T, sectors, strict=True):
            one = result.sel(sector=sector)
            for low, high in _finite_bands(one):
                for ax in (upper, lower):
                    ax.axvspan(low, high, color="0.92", zorder=0)
            marks = {"marker": "o", "markersize": 3}
            upper.plot(one["k"], one["gamma"], label="waves of the box", **line(0), **marks)
            upper.plot(one["k"], one["gamma_on_grid"], label="on its grid", **line(1))
            lower.plot(one["k"], one["re_omega"], **line(2), **marks)
            upper.set_title(f"{result.attrs['case']}, {SECTOR.get(sector, sector)}")
            upper.set_ylabel(r"$\gamma = {\rm Im}\,\Omega$  [$\mu$]")
            lower.set_ylabel(r"${\rm Re}\,\Omega$  [$\mu$]")
            lower.set_xlabel(r"$k$  [$\mu$]")
            upper.legend(loc="best")
            low, high = lower.get_ylim()
            if high - low < 1e-6:
                lower.set_ylim(low - 0.5, high + 0.5)
            growing = one["k"].values[one["gamma"].values > 0]
            if growing.size:
                margin = 0.3 * np.ptp(growing) + 2 * np.pi / result.attrs["length"]
                lower.set_xlim(growing.min() - margin, growing.max() + margin)


def _finite_bands(one: xr.Dataset) -> list[tuple[float, float]]:
    pairs = zip(one["band_low"].values, one["band_high"].values, strict=True)
    return [(float(a), float(b)) for a, b in pairs if np.isfinite(a)]
