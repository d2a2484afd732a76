"""`hpcqke stability CASE`: which waves of this very case grow, and does its box resolve them?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hpcqke.analysis.crossings import find_crossings
from hpcqke.analysis.doubling import is_spurious, refined_systems, resampled
from hpcqke.analysis.homogeneous import initial_diagonal, linear_systems, polar_grid
from hpcqke.analysis.linear import BRANCHES, DENSE, LinearSystem, central_wavenumber
from hpcqke.analysis.stability_report import end_states, notes, report
from hpcqke.errors import StorageError
from hpcqke.units import label

if TYPE_CHECKING:
    import xarray as xr

    from hpcqke.case import Case

#: Waves listed at most, growing waves looked at again with twice the directions, roots kept.
MOST, TWICE, ROOTS = 401, 25, 4
#: Midpoints on which the angular distribution is integrated.
FINE = 2000
#: Seconds that one branch may take: with many directions fewer waves are listed.
BUDGET = 10.0


class Band(NamedTuple):
    """Unstable waves between low and high (in mu)."""

    low: float
    high: float


def affordable(size: int) -> int:
    """How many k of matrices of this size take BUDGET seconds (of one slow core), 25 to MOST."""
    seconds = 0.02 * (size / 100) ** 3 if size <= DENSE else 0.5
    return int(np.clip(BUDGET / max(seconds, 1e-4), 25, MOST))


def unstable_bands(system: LinearSystem, k: np.ndarray, branch: str = "symmetric") -> list[Band]:
    """Bands of growing waves seen on the sorted sample k, edges refined by bisection.

    Bands narrower than the sample's spacing can be missed; an edge at the end of the sample is
    that end. Edges are good to round-off, of large systems to 1e-4 of the spacing.
    """
    grows = system.growth(k, branch)[0] > 0
    starts = np.flatnonzero(grows & ~np.concatenate([[False], grows[:-1]]))
    ends = np.flatnonzero(grows & ~np.concatenate([grows[1:], [False]]))
    inside = k[np.concatenate([starts, ends])]
    outside = k[np.concatenate([np.maximum(starts - 1, 0), np.minimum(ends + 1, k.size - 1)])]
    if inside.size:
        for _ in range(60 if system.size <= 64 else 14):
            middle = 0.5 * (inside + outside)
            growing = system.growth(middle, branch)[0] > 0
            inside, outside = np.where(growing, middle, inside), np.where(growing, outside, middle)
    return [Band(a, b) for a, b in zip(inside[: starts.size], inside[starts.size :], strict=True)]


def sample_range(system: LinearSystem, limit: float, branch: str = "symmetric") -> float:
    """A |k| up to which to look for growing waves, at most `limit`.

    Growth needs W of the order of the frequency spread of k v; the range is widened until its
    outer quarters hold no growing wave.
    """
    reach = 4 * system.bandwidth
    while 0 < reach < limit:
        outer = np.linspace(0.75, 1, min(26, affordable(system.size) // 2)) * reach
        if system.growth(np.concatenate([-outer, outer]), branch)[0].max() <= 0:
            break
        reach *= 2
    return min(reach, limit)


def _growing_span(parts: list[tuple[LinearSystem, str]], reach: float) -> tuple[float, float]:
    """The k between which waves grow, with a margin; all of -reach...reach if none does."""
    span = (-reach, reach)
    for _ in range(2):  # the second look is closer
        k = np.linspace(*span, min(affordable(s.size) for s, _ in parts))
        grows = np.any([s.growth(k, b)[0] > 0 for s, b in parts], axis=0)
        if not grows.any():
            break
        step = k[1] - k[0]
        span = max(-reach, k[grows][0] - 4 * step), min(reach, k[grows][-1] + 4 * step)
    return span


class _Waves:
    """Roots of one sector and branch at the box's waves n, each computed once."""

    def __init__(self, system: LinearSystem, branch: str, length: float, streaming: bool) -> None:
        self.system, self.branch = system, branch
        self.unit = 2 * np.pi / length if streaming else 0.0
        self.known: dict[int, np.ndarray] = {}

    def roots(self, n: np.ndarray) -> np.ndarray:
        """(len(n), ROOTS)."""
        new = np.array(sorted(set(n.tolist()) - set(self.known)), dtype=int)
        if new.size:
            rows = self.system.roots(self.unit * new, self.branch, ROOTS)
            self.known.update(zip(new.tolist(), rows, strict=True))
        return np.array([self.known[int(i)] for i in n])

    def gamma(self, n: np.ndarray) -> np.ndarray:
        """Growth rate, 0 where nothing is listed."""
        return growth_of(self.roots(n)[:, 0])

    def refine(self, n: np.ndarray, low: int, high: int) -> np.ndarray:
        """`n` (every so many waves) with waves added around the fastest of them."""
        stride = int(np.diff(n).max(initial=1))
        while stride > 1:
            best = int(n[self.gamma(n).argmax()])
            step = max(1, stride // 8)
            near = np.arange(best - stride, best + stride + 1, step)
            n = np.union1d(n, np.clip(near, low, high))
            stride = step
        return n


def growth_of(omega: np.ndarray) -> np.ndarray:
    """Im Omega, 0 where there is no root."""
    return np.where(np.isnan(omega), 0.0, omega.imag)


def stability(case: Case) -> xr.Dataset:
    """Growth rates of the linearised equations over the box's own waves k = 2 pi n/L.

    For each sector (flavor pair), branch ("symmetric", "breaking" the axial symmetry) and k, in mu:
    gamma, re_omega; gamma_on_grid (with the wave number that the central difference of the case
    makes of k); gamma_root, re_omega_root (up to four roots); gamma_doubled (twice the directions)
    and the flag spurious, for some of the growing waves, elsewhere nan and false. Further the
    unstable bands of the continuum, band_low and band_high (sector, branch, band), and the angular
    distribution eln (sector, v) with eln_crossing (sector, crossing), eln_plus, eln_minus. Only k
    around those that grow are listed, every so many in a long box. Raises CaseError if the case's
    initial section does not say what P^z is.
    """
    import xarray as xr

    diagonal = initial_diagonal(case, polar_grid(case))
    systems = linear_systems(case, diagonal)
    finer, how = _finer(case, systems)
    box = case.grid.z
    step, advection = box.length / box.cells, case.terms.get("advection")
    order = advection.order if advection else 0
    pairs = [(s, b) for s in systems for b in BRANCHES]
    size = max(s.size for s in systems.values())
    reach = max(sample_range(systems[s], np.pi / step, b) for s, b in pairs) if order else 0.0

    span = _growing_span([(systems[s], b) for s, b in pairs], reach) if order else (0.0, 0.0)

    n = np.arange(-((box.cells - 1) // 2), box.cells // 2 + 1)
    unit = 2 * np.pi / box.length
    # one wave more on each side; no advection: all are like n = 0
    n = n[(n >= span[0] / unit - 1) & (n <= span[1] / unit + 1)] if order else np.zeros(1, int)
    every = -(-n.size // affordable(size))
    limits = n[0], n[-1]
    n = n[n % every == 0]
    waves = {(s, b): _Waves(systems[s], b, box.length, bool(order)) for s, b in pairs}
    for one in waves.values():
        n = one.refine(n, *limits)
    k = 2 * np.pi * n / box.length
    grid_k = central_wavenumber(k, step, order) if order else np.zeros_like(k)
    roots = np.array([one.roots(n) for one in waves.values()])
    gamma = growth_of(roots[..., 0])
    on_grid = np.array([systems[s].growth(grid_k, b)[0] for s, b in pairs])
    # (grids, sector and branch, k)
    refined = np.array(
        [[_refined(f and f[s], b, k, g) for (s, b), g in zip(pairs, gamma, strict=True)]
         for f in finer]
    )  # fmt: skip

    sample = np.union1d(k, np.linspace(*span, affordable(size)))
    bands = [unstable_bands(systems[s], sample, b) if order else [] for s, b in pairs]
    edges = _padded([np.array(found).reshape(-1, 2) for found in bands], 2)
    v, weight = (getattr(next(iter(systems.values())), name) for name in ("v", "weight"))
    smooth = case.grid.momentum.rule is not None and v.size >= 4
    # integrals over one sign of G want many directions
    fine, ends = systems, ""
    if smooth:
        grid, number = resampled(case, "uniform", FINE)
        fine = linear_systems(case, number, grid)
    crossings = [find_crossings(s.v, s.weight, s.net, smooth=smooth) for s in fine.values()]
    if smooth and list(fine) == ["ex"]:
        number = np.einsum("p,spv->sv", grid.p_weight, number[..., 0])
        ends = end_states(number, fine["ex"], crossings[0])

    shape, units = (len(systems), len(BRANCHES)), {"units": label("mu", case.units.system)}

    def each(values: np.ndarray, *dims: str, **attrs: str) -> tuple:
        values = np.asarray(values).reshape(*shape, *np.shape(values)[1:])
        return ("sector", "branch", *dims), values, attrs

    return xr.Dataset(
        {
            "gamma": each(gamma, "k", long_name="growth rate", **units),
            "re_omega": each(roots[..., 0].real, "k", long_name="Re Omega", **units),
            "gamma_on_grid": each(on_grid, "k", long_name="growth rate on the grid", **units),
            "gamma_doubled": each(
                refined[0], "k", long_name="growth rate with twice the directions", **units
            ),
            "spurious": each(is_spurious(gamma, *refined), "k"),
            "gamma_root": each(roots.imag * (1 + 0 * roots.real), "k", "root", **units),
            "re_omega_root": each(roots.real, "k", "root", **units),
            "band_low": each(edges[..., 0], "band", **units),
            "band_high": each(edges[..., 1], "band", **units),
            "eln": (("sector", "v"), [s.net for s in systems.values()], {"units": "n"}),
            "eln_crossing": (
                ("sector", "crossing"), _padded([c.v[:, None] for c in crossings], 1)[..., 0]
            ),
            "eln_plus": ("sector", [c.plus for c in crossings], {"units": "n"}),
            "eln_minus": ("sector", [c.minus for c in crossings], {"units": "n"}),
        },
        coords={
            "k": ("k", k, {**units, "long_name": "wave number of psi"}),
            "n": ("k", n),
            "k_on_grid": ("k", grid_k, units),
            "v": ("v", v),
            "weight": ("v", weight),
            "sector": list(systems),
            "branch": list(BRANCHES),
        },
        attrs={
            "case": case.name,
            "system": case.units.system,
            "length": box.length,
            "cells": box.cells,
            "order": order,
            "directions": int(v.size),
            "azimuths": case.grid.momentum.azimuths,
            "momenta": int(diagonal.shape[1]),
            "species": int(diagonal.shape[0]),
            "waves": size,
            "every": every,
            "duration": case.time.end - case.time.start,
            "doubled": how,
            "notes": notes(case),
            "end_states": ends,
        },
    )  # fmt: skip


def _finer(
    case: Case, systems: dict[str, LinearSystem]
) -> tuple[list[dict[str, LinearSystem] | None], str]:
    """The same on 2 N_v directions, and on 3 N_v where species or momenta differ in frequency."""
    twice, how = refined_systems(case)
    if twice is None or all(len(s.blocks.local) == 1 for s in systems.values()):
        return [twice], how
    return [twice, refined_systems(case, 3)[0]], how


def _refined(
    finer: LinearSystem | None, branch: str, k: np.ndarray, gamma: np.ndarray
) -> np.ndarray:
    """gamma of more directions at up to TWICE growing waves, the fastest among them."""
    out = np.full(k.shape, np.nan)
    growing = np.flatnonzero(gamma > 0)
    if finer is None or growing.size == 0:
        return out
    count = min(TWICE, affordable(finer.size))
    chosen = growing[np.unique(np.linspace(0, growing.size - 1, count).round().astype(int))]
    chosen = np.union1d(chosen, gamma.argmax())
    out[chosen] = finer.growth(k[chosen], branch)[0]
    return out


def _padded(parts: list[np.ndarray], width: int) -> np.ndarray:
    """Arrays (., width) of different lengths as one, filled up with nan."""
    out = np.full((len(parts), max(len(p) for p in parts), width), np.nan)
    for row, part in zip(out, parts, strict=True):
        row[: len(part)] = part
    return out


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
