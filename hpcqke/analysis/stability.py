"""`hpcqke stability CASE`: which waves of this very case grow, and does its box resolve them?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.analysis.linear import LinearSystem, central_wavenumber
from hpcqke.errors import StorageError

if TYPE_CHECKING:
    import xarray as xr

    from hpcqke.case import Case

#: A wave counts as resolved if the grid changes its k by less than this.
RESOLVED = 0.01


class Band(NamedTuple):
    """Unstable waves between low and high (in mu)."""

    low: float
    high: float


def unstable_bands(system: LinearSystem, k: np.ndarray) -> list[Band]:
    """Bands of growing waves seen on the sorted sample k, edges refined by bisection to 1e-12.

    Bands narrower than the sample's spacing can be missed; an edge at the end of the sample is
    that end.
    """
    grows = system.growth(k)[0] > 0
    starts = np.flatnonzero(grows & ~np.concatenate([[False], grows[:-1]]))
    ends = np.flatnonzero(grows & ~np.concatenate([grows[1:], [False]]))
    inside = k[np.concatenate([starts, ends])]
    outside = k[np.concatenate([np.maximum(starts - 1, 0), np.minimum(ends + 1, k.size - 1)])]
    if inside.size:
        # 60 halvings take any interval to round-off
        for _ in range(60):
            middle = 0.5 * (inside + outside)
            growing = system.growth(middle)[0] > 0
            inside, outside = np.where(growing, middle, inside), np.where(growing, outside, middle)
    return [Band(a, b) for a, b in zip(inside[: starts.size], inside[starts.size :], strict=True)]


def sample_range(system: LinearSystem, limit: float) -> float:
    """A |k| up to which to look for growing waves, at most `limit`.

    Growth needs W of the order of the frequency spread of k v; the range is widened until its
    outer quarters hold no growing wave.
    """
    reach = 4 * system.bandwidth
    while 0 < reach < limit:
        outer = np.linspace(0.75, 1, 26) * reach
        if system.growth(np.concatenate([-outer, outer]))[0].max() == 0:
            break
        reach *= 2
    return min(reach, limit)


def stability(case: Case) -> xr.Dataset:
    """Growth rates of the linearised equations over the box's own waves k = 2 pi n/L.

    Returns gamma, re_omega and gamma_on_grid (with the wave number that the central difference of
    the case makes of k), all (sector, k) in mu, and the unstable bands of the continuum, band_low
    and band_high (sector, band), padded with nan.  Only the |k| that can grow are listed.
    Raises CaseError if the case's initial section does not say what P^z is.
    """
    import xarray as xr

    systems = linear_systems(case)
    grid = case.grid.z
    step = grid.length / grid.cells
    advection = case.terms.get("advection")
    order = advection.order if advection else 0
    limit = np.pi / step
    reach = max(sample_range(s, limit) for s in systems.values()) if order else limit
    n = np.arange(-((grid.cells - 1) // 2), grid.cells // 2 + 1)
    n = n[np.abs(n) <= reach * grid.length / (2 * np.pi) + 1]
    k = 2 * np.pi * n / grid.length
    # without advection a wave does not stream: every k grows like k = 0
    stream = k if order else np.zeros_like(k)
    grid_k = central_wavenumber(k, step, order) if order else stream
    sample = np.union1d(k, np.linspace(-reach, reach, 401))

    rates = {name: [*s.growth(stream), s.growth(grid_k)[0]] for name, s in systems.items()}
    bands = {name: unstable_bands(s, sample) if order else [] for name, s in systems.items()}
    most = max(len(b) for b in bands.values())
    edges = np.full((len(systems), most, 2), np.nan)
    for row, found in zip(edges, bands.values(), strict=True):
        row[: len(found)] = np.array(found).reshape(-1, 2)
    gamma, real, on_grid = np.moveaxis(np.array(list(rates.values())), 1, 0)
    wave, units = ("sector", "k"), {"units": "mu"}
    return xr.Dataset(
        {
            "gamma": (wave, gamma, {**units, "long_name": "growth rate"}),
            "re_omega": (wave, real, {**units, "long_name": "Re Omega"}),
            "gamma_on_grid": (wave, on_grid, {**units, "long_name": "growth rate on the grid"}),
            "band_low": (("sector", "band"), edges[..., 0], units),
            "band_high": (("sector", "band"), edges[..., 1], units),
        },
        coords={
            "k": ("k", k, {**units, "long_name": "wave number"}),
            "n": ("k", n),
            "k_on_grid": ("k", grid_k, units),
            "sector": list(systems),
        },
        attrs={
            "case": case.name,
            "length": grid.length,
            "cells": grid.cells,
            "order": order,
            "directions": int(next(iter(systems.values())).v.size),
        },
    )


def report(result: xr.Dataset) -> str:
    """The compact table that the command prints."""
    a = result.attrs
    scheme = f"central differences of order {a['order']}" if a["order"] else "no advection"
    lines = [
        f"{a['case']}: L = {a['length']:g}/mu, {a['cells']} cells, "
        f"dz = {a['length'] / a['cells']:g}/mu, {scheme}, {a['directions']} directions",
    ]
    for sector in result["sector"].values:
        lines += ["", *_sector_report(result.sel(sector=sector), str(sector))]
    return "\n".join(lines)


def _sector_report(one: xr.Dataset, sector: str) -> list[str]:
    gamma, n, k = one["gamma"].values, one["n"].values, one["k"].values
    low, high = (one[name].values for name in ("band_low", "band_high"))
    found = np.isfinite(low)
    ends = zip(low[found], high[found], strict=True)
    # rounded, then + 0.0: no "-0.000000"
    bands = ", ".join(f"{round(a, 6) + 0.0:.6f} < k < {round(b, 6) + 0.0:.6f}" for a, b in ends)
    growing = np.flatnonzero(gamma > 0)
    if growing.size == 0:
        lines = [f"{sector}: no wave of the box grows"]
        if bands:
            lines.append(f"  but {bands} (in mu) does: the box is too short to hold such a wave")
        return lines
    fastest = int(gamma.argmax())
    # the first and last wave of every run of growing ones
    edges = growing[(np.diff(growing, prepend=-9) > 1) | (np.diff(growing, append=1 << 60) > 1)]
    lines = [f"{sector}: {growing.size} growing waves" + (f", {bands} (in mu)" if bands else "")]
    lines.append(
        f"  {'wave':<8} {'n':>6} {'k/mu':>11} {'gamma/mu':>11} {'on grid':>11} "
        f"{'Re Omega/mu':>12} {'cells/wave':>11} {'waves/box':>10}"
    )
    cells, real = one.attrs["cells"], one["re_omega"].values.round(6) + 0.0
    rows = [("fastest", fastest)] + [("edge", int(i)) for i in edges[:8]]
    for name, i in rows:
        per_wave = f"{cells / abs(n[i]):.1f}" if n[i] else "all"
        lines.append(
            f"  {name:<8} {n[i]:>6} {k[i]:>11.6f} {gamma[i]:>11.8f} "
            f"{one['gamma_on_grid'].values[i]:>11.8f} {real[i]:>12.6f} "
            f"{per_wave:>11} {abs(n[i]):>10}"
        )
    lines.append(f"  e-folding time of the fastest wave: {1 / gamma[fastest]:.4g}/mu")
    lines.append("  " + _verdict(one, growing))
    return lines


def _verdict(one: xr.Dataset, growing: np.ndarray) -> str:
    if not one.attrs["order"]:
        return "without advection waves do not stream: every k grows alike"
    k, k_grid = one["k"].values[growing], one["k_on_grid"].values[growing]
    shortest = np.abs(k).argmax()
    error = abs(k_grid[shortest] / k[shortest] - 1) if k[shortest] else 0.0
    if error > RESOLVED:
        return (
            f"NOT resolved: the grid changes k by {100 * error:.2g} % at k = {k[shortest]:.4g} mu; "
            "take more cells (grid.z.cells) or a higher order (terms.advection.order)"
        )
    text = f"resolved: the grid changes k by {error:.1e} at most"
    if growing.size < 5:
        text += f"; few growing waves fit in the box ({growing.size}): is grid.z.length enough?"
    return text


def command(case: Case, png: str | Path | None = None, netcdf: str | Path | None = None) -> int:
    """Print the table of a case; draw it into `png`, write the dataset to `netcdf`, if given.

    Returns the exit code 0.  Raises CaseError (see `stability`), StorageError if a file can't be
    written.
    """
    result = stability(case)
    print(report(result))
    try:
        if png is not None:
            from hpcqke.analysis.stability_picture import draw_stability

            draw_stability(result, Path(png))
        if netcdf is not None:
            result.to_netcdf(netcdf, engine="h5netcdf")
    except OSError as error:
        raise StorageError(f"{error.filename or netcdf or png}: {error.strerror}") from error
    return 0
