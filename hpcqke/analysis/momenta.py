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
    """Modes that are drawn together: a species, its directions (a mask), and their name."""

    species: int
    directions: np.ndarray
    label: str


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
    start = run.series["occupation"].transpose("time", "species", "momentum", "direction")[0]
    species = state.SPECIES[: start.shape[0]]
    found = []
    for s, name in enumerate(species):
        total = np.sum(grid.weight * start.values[s], axis=0)
        prefix = f"{SYMBOL[name]}, " if len(species) > 1 else ""
        found += [Beam(s, chosen, prefix + label) for chosen, label in sets if total[chosen].any()]
    if not found:
        raise Skip("there are no neutrinos")
    return found


def spectrum(series: xr.Dataset, grid: MomentumGrid, beam: Beam, row: int) -> np.ndarray:
    """dN/dq of a beam in a row of the series: (momentum,), in n/mu^2, N in n/mu."""
    occupation = series["occupation"].transpose("time", "species", "momentum", "direction")
    number = np.where(beam.directions, grid.weight * occupation.values[row, beam.species], 0.0)
    return number.sum(axis=1) / np.diff(edges(grid))


def edges(grid: MomentumGrid) -> np.ndarray:
    """Edges of the bins in q, those of listed |p| half way between them."""
    if grid.p_edges is not None:
        return grid.p_edges
    inner = 0.5 * (grid.p[1:] + grid.p[:-1])
    return np.concatenate([[2 * grid.p[0] - inner[0]], inner, [2 * grid.p[-1] - inner[-1]]])


def mean(q: np.ndarray, spectrum: np.ndarray) -> float:
    """The mean of q in a spectrum on a uniform grid."""
    return float(np.sum(q * spectrum) / np.sum(spectrum))


def local_shift(run: Run, grid: MomentumGrid, beams: list[Beam]) -> Shift:
    """Mean q of each beam at every z and t, thinned to what a picture can show."""
    fields = run.fields
    rho = fields["rho"].isel(time=slice(None, None, -(-fields.sizes["time"] // MOST_FRAMES)))
    every = -(-rho.sizes["z"] // MOST_CELLS)
    values = []
    for i in range(rho.sizes["time"]):
        frame = rho.isel(time=i).transpose("z", "species", "momentum", "direction", "component")
        number = state.trace(frame.values)
        values.append([_local_mean(number[:, b.species], grid, b, every) for b in beams])
    moved = np.array(values).transpose(2, 1, 0, 3)  # (sum, beam, time, z)
    start = moved[1, :, :1].mean(axis=-1) / moved[0, :, :1].mean(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = moved[1] / moved[0] - start[:, :, None]
    return Shift(rho["time"].values, coarse(fields["z"].values, every), shift)


def _local_mean(
    number: np.ndarray, grid: MomentumGrid, beam: Beam, every: int
) -> tuple[np.ndarray, np.ndarray]:
    """sum Tr rho and sum q Tr rho of a beam, (z,)."""
    weight = np.where(beam.directions, grid.weight, 0.0)
    sums = [np.einsum("zpd,pd->z", number, w) for w in (weight, grid.p[:, None] * weight)]
    return coarse(sums[0], every), coarse(sums[1], every)
