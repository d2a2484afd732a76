"""The homogeneous state behind a case or a run: diagonal rho per direction, as linear systems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpcqke import state, units
from hpcqke.analysis.linear import LinearSystem, sectors
from hpcqke.analysis.open_run import Run, open_dataset
from hpcqke.errors import CaseError
from hpcqke.grids import MomentumGrid
from hpcqke.initial.distribution import Distribution
from hpcqke.terms import SelfInteraction

if TYPE_CHECKING:
    import xarray as xr

    from hpcqke.case import Case


def linear_systems(case: Case, diagonal: np.ndarray | None = None) -> dict[str, LinearSystem]:
    """Linear problem of each flavor pair ("ex", or "emu", "etau", "mutau") of a case.

    diagonal: rho_aa (S, Nv, N_f) of the homogeneous state; by default what the initial section
    says (CaseError if it doesn't).  Momenta |p| are summed: without vacuum terms all of them
    stream and precess alike.  CaseError with azimuth bins.
    """
    if case.grid.momentum.azimuths > 1:
        raise CaseError(["grid.momentum.azimuths: linear theory is that of axial symmetry, 1"])
    grid = MomentumGrid.from_case(case.grid.momentum)
    interaction = units.configs(case).get("self_interaction")
    mu = SelfInteraction(interaction).strength(case.time.start) if interaction else 0.0
    if interaction and interaction.along == "z" and interaction.profile != "constant":
        raise CaseError(["terms.self_interaction.along: linear theory is that of a mu without z"])
    weight = grid.v_weight * grid.p_weight.sum()
    if diagonal is None:
        diagonal = initial_diagonal(case, grid)
        if getattr(case.initial, "momentum_width", None) is not None:
            # such a spectrum adds up to P^z itself, whatever the weights of the bins
            diagonal = diagonal / grid.p_weight.sum()
    return sectors(grid.v, weight, diagonal, mu)


def run_systems(run: Run) -> dict[str, LinearSystem]:
    """The same for a run: its first frame if there is one (any initial state), else its case."""
    if run.has_fields():
        return linear_systems(run.case, diagonal_of_frame(run.fields, 0))
    return linear_systems(run.case)


def initial_diagonal(case: Case, grid: MomentumGrid) -> np.ndarray:
    """rho_aa of nu (and nubar) averaged over the box and over |p|, shape (S, Nv, N_f)."""
    initial = case.initial
    if initial.recipe == "file":
        with open_dataset(Path(initial.path)) as fields:
            diagonal = diagonal_of_frame(fields, -1)
        if diagonal.shape[1] != grid.v.size:
            raise CaseError([f'initial.path = "{initial.path}": not on the directions of the case'])
        return diagonal
    if initial.recipe == "distribution":
        diagonal = Distribution.diagonal(initial, case, grid)
        return np.average(diagonal, axis=1, weights=grid.p_weight)
    if not hasattr(initial, "beams"):
        raise CaseError([f'initial.recipe = "{initial.recipe}": gives no uniform P^z to perturb'])
    pz, p0, pz_bar, p0_bar = (np.asarray(x, float) for x in initial.beams(tuple(grid.v)))
    both = [(pz, p0), (pz_bar, p0_bar)][: 2 if case.flavors.antineutrinos else 1]
    diagonal = np.zeros((len(both), grid.v.size, case.flavors.count))
    for s, (z, total) in enumerate(both):
        # P^z is a difference of the first two flavors; a third one starts empty
        diagonal[s, :, 0], diagonal[s, :, 1] = 0.5 * (total + z), 0.5 * (total - z)
    return diagonal


def diagonal_of_frame(fields: xr.Dataset, index: int) -> np.ndarray:
    """rho_aa of one frame of fields.nc, averaged over z and |p|, shape (S, Nv, N_f)."""
    frame = fields["rho"].isel(time=index).mean("z")
    rho = frame.transpose("momentum", "species", "direction", "component").values
    # the weights are products of one factor in |p| and one in v
    weight = fields["weight"].transpose("momentum", "direction").values.sum(axis=1)
    return state.occupations(np.average(rho, axis=0, weights=weight if weight.any() else None))
