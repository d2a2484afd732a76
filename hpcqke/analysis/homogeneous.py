"""The homogeneous state behind a case or a run: diagonal rho of every mode, as linear systems."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke import initial, state, terms, units
from hpcqke.analysis.linear import LinearSystem, sectors
from hpcqke.analysis.open_run import Run, open_dataset
from hpcqke.errors import CaseError
from hpcqke.faults import show
from hpcqke.grids import MomentumGrid, ZGrid
from hpcqke.initial.base import profile

if TYPE_CHECKING:
    import xarray as xr

    from hpcqke.case import Case

#: Part of the largest rho_aa by which the azimuths of one v may differ.
AXIAL = 1e-3


def polar_grid(case: Case) -> MomentumGrid:
    """The momentum grid without its azimuths: every v once, with the weight of all of them."""
    return MomentumGrid.from_case(replace(case.grid.momentum, azimuths=1))


def linear_systems(
    case: Case, diagonal: np.ndarray | None = None, grid: MomentumGrid | None = None
) -> dict[str, LinearSystem]:
    """Linear problem of each flavor pair ("ex", or "emu", "etau", "mutau") of a case.

    diagonal: rho_aa (S, Np, Nv, N_f) of the homogeneous state on `grid`; by default what the
    initial section says (CaseError if it doesn't) on the case's own directions. CaseError as well
    if waves exp(i k z) are no solutions: between open ends, or damped by upwind differences.
    """
    must_have_waves(case)
    grid = polar_grid(case) if grid is None else grid
    diagonal = initial_diagonal(case, grid) if diagonal is None else diagonal
    absorption, scattering = collision_rates(case, grid, len(diagonal))
    azimuths = case.grid.momentum.azimuths
    return sectors(
        grid.v, grid.v_weight, diagonal, interaction_strength(case), p_weight=grid.p_weight,
        energy=diagonal_energy(case, grid, len(diagonal)), absorption=absorption,
        scattering=scattering, azimuths=0 if azimuths == 1 else azimuths,
    )  # fmt: skip


def must_have_waves(case: Case) -> None:
    """CaseError unless exp(i k z) keeps its form on the grid of a case."""
    if case.grid.z.boundary != "periodic":
        text = f"grid.z.boundary = {show(case.grid.z.boundary)}"
        raise CaseError([f'{text}: must be "periodic" for linear theory'])
    advection = case.terms.get("advection")
    if advection and advection.order % 2:
        text = "must be even for linear theory: odd orders damp"
        raise CaseError([f"terms.advection.order = {advection.order}: {text}"])


def run_systems(run: Run) -> dict[str, LinearSystem]:
    """The same for a run: its first frame if there is one (any initial state), else its case."""
    if run.has_fields():
        return linear_systems(run.case, diagonal_of_frame(run.fields, 0))
    return linear_systems(run.case)


def hamiltonian_terms(case: Case) -> list[Any]:
    """The terms of a case that add to h."""
    chosen = ((terms.REGISTRY[name], config) for name, config in units.configs(case).items())
    return [term(config) for term, config in chosen if term.kind == "hamiltonian"]


def interaction_strength(case: Case) -> float:
    """mu at the start of the run, its mean over the box if it depends on z."""
    z = ZGrid(case.grid.z.length, case.grid.z.cells).z
    mu = 0.0
    for term in hamiltonian_terms(case):
        along = term.strength_along(z)
        mu += term.strength(case.time.start) * (1.0 if along is None else along.mean())
    return float(mu)


def diagonal_energy(case: Case, grid: MomentumGrid, species: int) -> np.ndarray:
    """H_aa but for the self-interaction, (species, momentum, N_f), at the start, mean over the box.

    H(|p|) of the vacuum changes its sign for antineutrinos, what depends on z does not.
    """
    count, z = case.flavors.count, ZGrid(case.grid.z.length, case.grid.z.cells)
    out = np.zeros((species, grid.p.size, count))
    # as much of a phase space as a potential asks for: all z on one rank
    ps = SimpleNamespace(rows=z.cells, N=count, C=count**2, z=z, positions=lambda: z.z)
    for term in hamiltonian_terms(case):
        mean, matrix = term.mean(ps, case.time.start), term.matrix(grid.magnitude)
        if mean is not None:
            out += state.occupations(mean).mean(axis=0)
        if matrix is not None:
            out += np.array([1.0, -1.0])[:species, None, None] * state.occupations(matrix)
    return out


def collision_rates(case: Case, grid: MomentumGrid, species: int) -> tuple[Any, Any]:
    """Rates of absorption and of isotropic scattering, each (species, momentum, N_f), in mu."""
    if "collisions" not in case.terms:
        return 0.0, 0.0
    from hpcqke.terms import collisions

    return collisions.collision_rates(case.terms["collisions"], grid, case.flavors.count, species)


def initial_diagonal(case: Case, grid: MomentumGrid) -> np.ndarray:
    """rho_aa of nu (and nubar) averaged over the box, shape (S, Np, Nv, N_f), on any grid.

    CaseError if the recipe has no uniform diagonal, or only one on other directions.
    """
    config = case.initial
    recipe = initial.REGISTRY[config.recipe]
    if hasattr(recipe, "diagonal"):
        return np.asarray(recipe.diagonal(config, case, grid), float)
    if config.recipe == "file":
        with open_dataset(Path(config.path)) as fields:
            diagonal = diagonal_of_frame(fields, -1)
        if diagonal.shape[1:3] != (grid.p.size, grid.v.size):
            raise CaseError([f'initial.path = "{config.path}": not on the directions of the case'])
        return diagonal
    if not hasattr(config, "beams"):
        raise CaseError([f'initial.recipe = "{config.recipe}": gives no uniform P^z to perturb'])
    pz, p0, pz_bar, p0_bar = (np.asarray(x, float) for x in config.beams(tuple(grid.v)))
    both = [(pz, p0), (pz_bar, p0_bar)][: 2 if case.flavors.antineutrinos else 1]
    diagonal = np.zeros((len(both), grid.v.size, case.flavors.count))
    for s, (z, total) in enumerate(both):
        # P^z is a difference of the first two flavors; a third one starts empty
        diagonal[s, :, 0], diagonal[s, :, 1] = 0.5 * (total + z), 0.5 * (total - z)
    shape = np.ones((grid.p.size, 1, 1))
    if config.momentum_width is not None:
        shape = profile(grid, config.momentum_width)[..., 0]
    return shape * diagonal[:, np.newaxis]


def diagonal_of_frame(fields: xr.Dataset, index: int) -> np.ndarray:
    """rho_aa of one frame of fields.nc, mean over z and azimuths, shape (S, Np, Nv, N_f)."""
    rho = fields["rho"].isel(time=index).mean("z")
    kept = [s for s in rho["species"].values if s in state.SPECIES]
    rho = rho.sel(species=kept).transpose("species", "momentum", "direction", "component").values
    diagonal = state.occupations(rho)
    if "azimuth" not in fields.variables:
        return diagonal
    S, Np, directions, nf = diagonal.shape
    azimuths = np.unique(fields["azimuth"].values).size
    diagonal = diagonal.reshape(S, Np, azimuths, directions // azimuths, nf)
    if np.ptp(diagonal, axis=2).max() > AXIAL * np.abs(diagonal).max():
        raise CaseError(["fields.nc: rho_aa depends on the azimuth; linear theory is about states "
                         "of axial symmetry"])  # fmt: skip
    return diagonal.mean(axis=2)
