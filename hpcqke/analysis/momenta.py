"""The beams of a run with momenta: spectra of q = |p| - p0 and their local mean.

Directions v = +-1 are beams; of other grids of directions the two hemispheres are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hpcqke import state
from hpcqke.analysis.drawing import Skip
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.spacetime import MOST_CELLS, MOST_FRAMES, coarse
from hpcqke.grids import MomentumGrid

if TYPE_CHECKING:
    import xarray as xr

SYMBOL = {"nu": r"$\nu$", "nubar": r"$\bar\nu$"}


class Beam(NamedTuple):
    """Modes that are drawn together: a species, its directions (a mask), and their name.

    tracer: the species that holds the first-order change of this one, if the run is of that mode.
    """

    species: int
    directions: np.ndarray
    label: str
    tracer: int | None = None


class Shift(NamedTuple):
    """values (beam, time, z): local mean of q, in mu, less that of the whole box at the start."""

    time: np.ndarray
    z: np.ndarray
    values: np.ndarray


def grid_of(run: Run) -> MomentumGrid:
    """The momentum grid of a run.  Raises Skip if it has a single |p|."""
    grid = MomentumGrid.from_case(run.case.grid.momentum)
    if grid.p.size < 2:
        raise Skip("there is only one |p|")
    return grid


def beams_of(run: Run, grid: MomentumGrid) -> list[Beam]:
    """Beams that are not empty at the start, neutrinos first."""
    if np.all(np.abs(grid.v) == 1):
        sets = [(v == grid.v, f"$v = {v:+.0f}$") for v in sorted(set(grid.v), reverse=True)]
    else:
        sets = [(grid.v > 0, "$v > 0$"), (grid.v < 0, "$v < 0$")]
    species = [str(name) for name in run.series["species"].values]
    tracer = species.index(state.TRACER) if state.TRACER in species else None
    particles = [name for name in species if name != state.TRACER]
    found = []
    for s, name in enumerate(particles):
        total = _numbers(run.series, s)[0]
        prefix = f"{SYMBOL[name]}, " if len(particles) > 1 else ""
        found += [
            Beam(s, chosen, prefix + label, tracer)
            for chosen, label in sets
            if total[:, chosen].any()
        ]
    if not found:
        raise Skip("there are no neutrinos")
    return found


def _numbers(series: xr.Dataset, species: int) -> np.ndarray:
    """int Tr rho dz of a species, (time, momentum, direction)."""
    ordered = series["occupation"].transpose("time", "species", "momentum", "direction")
    return ordered.values[:, species]


def spectrum(series: xr.Dataset, grid: MomentumGrid, beam: Beam) -> np.ndarray:
    """dN/dq of a beam at the start: (momentum,), in n/mu^2, N in n/mu."""
    return _binned(grid, beam, _numbers(series, beam.species)[0])


def change(series: xr.Dataset, grid: MomentumGrid, beam: Beam) -> np.ndarray:
    """What has come to `spectrum` since the start, (momentum,); of a tracer its own value."""
    numbers = _numbers(series, beam.species if beam.tracer is None else beam.tracer)
    return _binned(grid, beam, numbers[-1] - numbers[0])


def _binned(grid: MomentumGrid, beam: Beam, numbers: np.ndarray) -> np.ndarray:
    return np.where(beam.directions, grid.weight * numbers, 0.0).sum(axis=1) / np.diff(edges(grid))


def edges(grid: MomentumGrid) -> np.ndarray:
    """Edges of the bins in q, those of listed |p| half way between them."""
    if grid.p_edges is not None:
        return grid.p_edges
    inner = 0.5 * (grid.p[1:] + grid.p[:-1])
    return np.concatenate([[2 * grid.p[0] - inner[0]], inner, [2 * grid.p[-1] - inner[-1]]])


def mean_shift(q: np.ndarray, start: np.ndarray, change: np.ndarray) -> float:
    """How far the mean of q moves when `change` is added to the spectrum `start`."""
    mean = np.sum(q * start) / np.sum(start)
    return float(np.sum((q - mean) * change) / np.sum(start + change))


def local_shift(run: Run, grid: MomentumGrid, beams: list[Beam]) -> Shift:
    """Mean q of each beam at every z and t, thinned to what a picture can show."""
    fields = run.fields
    rho = fields["rho"].isel(time=slice(None, None, -(-fields.sizes["time"] // MOST_FRAMES)))
    every = -(-rho.sizes["z"] // MOST_CELLS)
    values, start = [], None
    for i in range(rho.sizes["time"]):
        frame = rho.isel(time=i).transpose("z", "species", "momentum", "direction", "component")
        number = state.trace(frame.values)
        sums = [_sums(number[:, b.species], grid, b, every) for b in beams]
        if start is None:
            start = [moved.mean() / count.mean() for count, moved in sums]
        values.append([])
        for beam, (count, moved), mean in zip(beams, sums, start, strict=True):
            with np.errstate(invalid="ignore", divide="ignore"):
                local = moved / count
                shift = local - mean
                if beam.tracer is not None:
                    # a tracer is stored times p0: what it adds is first order and stays apart
                    more, further = _sums(number[:, beam.tracer], grid, beam, every)
                    shift = shift + (further - local * more) / count / (grid.p0 or 1.0)
            values[-1].append(shift)
    shifts = np.array(values).swapaxes(0, 1)
    return Shift(rho["time"].values, coarse(fields["z"].values, every), shifts)


def _sums(
    number: np.ndarray, grid: MomentumGrid, beam: Beam, every: int
) -> tuple[np.ndarray, np.ndarray]:
    """sum Tr rho and sum q Tr rho of a beam, (z,)."""
    weight = np.where(beam.directions, grid.weight, 0.0)
    sums = [np.einsum("zpd,pd->z", number, w) for w in (weight, grid.p[:, None] * weight)]
    return coarse(sums[0], every), coarse(sums[1], every)
