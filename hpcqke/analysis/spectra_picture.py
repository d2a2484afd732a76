"""The picture of |psi_k|: how the waves grow, and where their energy goes afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis import growth
from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.homogeneous import run_systems
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import SECTOR, picture
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr

#: Below this fraction of the largest wave there is only round-off.
ROUND_OFF = 1e-14


def draw_spectra(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """|psi_k| of the off-diagonal elements at several times, one panel for each flavor pair."""
    import matplotlib

    series = series_of(run)
    if "flux_left" in series:
        raise Skip("between open ends there are no waves exp(i k z)")
    psi = growth.spectrum(series)
    if psi.sizes["k"] < 3:
        raise Skip("there are too few cells in z for a spectrum")
    psi = psi.isel(time=np.all(np.isfinite(psi.values), axis=(1, 2)))
    if psi.sizes["time"] == 0 or not np.any(psi.values > 0):
        raise Skip("all off-diagonal elements of the momentum sums are zero")
    frames = telling_frames(psi.max(("pair", "k")).values)
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, frames.size))
    top = psi.values[frames].max()
    # the first frame may hold waves that were not seeded at all, at round-off
    late = psi.values[frames[-6:]]
    floor = max(late[late > 0].min(initial=top), ROUND_OFF * top)
    bands = _bands(run)
    low, high = _range(psi.isel(time=frames), floor, bands)
    pairs = [str(p) for p in psi["pair"].values]
    few = np.count_nonzero(psi.values[frames].max(axis=(0, 1)) > floor) < 30
    marks = {"marker": "o", "markersize": 2.5} if few else {}
    panels = {"nrows": len(pairs), "sharex": True, "squeeze": False}
    with picture(file, (7.0, 3.7 + 2.6 * (len(pairs) - 1)), **panels) as (_, axes):
        for ax, pair in zip(axes[:, 0], pairs, strict=True):
            for band in bands.get(pair, []):
                ax.axvspan(*band, color="0.92", zorder=0)
            for frame, color in zip(frames, shades, strict=True):
                one = psi.isel(time=frame).sel(pair=pair)
                # zeros would vanish from a log axis: let them fall through its floor
                values = np.maximum(one, 1e-3 * floor)
                label = f"{float(one['time']):.4g}"
                ax.semilogy(one["k"], values, color=color, label=label, linewidth=1.2, **marks)
            ax.set_ylim(floor / 2, top * 3)
            ax.set_xlim(low, high)
            name = "" if len(pairs) == 1 else f" of {SECTOR.get(pair, pair)}"
            ax.set_ylabel(rf"$|\psi_k|${name}  [$n$]")
        beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
        axes[0, 0].legend(title=r"$t$  [$1/\mu$]", **beside)
        axes[-1, 0].set_xlabel(r"$k$  [$\mu$]" + ("   (grey: growing waves)" if bands else ""))
        axes[0, 0].set_title(title(run))


def telling_frames(size: np.ndarray) -> np.ndarray:
    """Indices of 5 to 7 rows: evenly over the growth of `size` (time,), 3 over what follows."""
    last = size.size - 1
    grown = int(np.argmax(size > 0.5 * size.max()))
    if last - grown < grown / 3:
        rows = np.linspace(0, last, 6)
    else:
        rows = np.concatenate([np.linspace(0, grown, 4), np.linspace(grown, last, 4)])
    return np.unique(rows.round().astype(int))


def _range(psi: xr.DataArray, floor: float, bands: dict) -> tuple[float, float]:
    """The k worth showing: where there are waves, and the bands."""
    k = psi["k"].values
    there = k[psi.max(("time", "pair")).values > floor]
    edges = [e for band in bands.values() for pair in band for e in pair]
    low, high = min([*there, *edges], default=k[0]), max([*there, *edges], default=k[-1])
    margin = 0.03 * (high - low) + (k[1] - k[0])
    return max(k[0], low - margin), min(k[-1], high + margin)


def _bands(run: Run) -> dict[str, list[tuple[float, float]]]:
    """Unstable bands of each pair, {} if the case does not tell."""
    from hpcqke.analysis.stability import sample_range, unstable_bands

    try:
        systems = run_systems(run)
    except CaseError:
        return {}
    if "advection" not in run.case.terms:
        return {}
    limit = np.pi * run.case.grid.z.cells / run.case.grid.z.length
    bands = {}
    for name, system in systems.items():
        reach = sample_range(system, limit)
        found = unstable_bands(system, np.linspace(-reach, reach, 401)) if reach else []
        if found:
            bands[name] = found
    return bands
