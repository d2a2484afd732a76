"""The spin system behind a homogeneous two-flavor case: the same b, J, mu and first state.

A mode of weight w = w_p w_v and rho = (P0 + P.sigma)/2 holds the densities w (P0 + |P|)/2 of
neutrinos with spin along P and w (P0 - |P|)/2 against it; N n/(sum of all n) of the N neutrinos are
of that kind. With mu' = mu times the sum, the mean field is the kinetic equation of the case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hpcqke.errors import CaseError
from hpcqke.manybody.system import SpinSystem

if TYPE_CHECKING:
    from hpcqke.case import Case
    from hpcqke.simulation import Simulation

#: Relative difference to the rates of the kinetic equation that is not rounding.
SAME = 1e-10


def from_case(
    case: Case, neutrinos: int | None = None, start: Callable | None = None
) -> SpinSystem:
    """Kinds of the populated modes: species, |p|, v (the fastest), and of each along P first.

    neutrinos: N, by default the number of kinds, one each. start: as for `Simulation.set_state`; by
    default the case's recipe. CaseError if the state is not uniform, if N does not divide as the
    densities do, or if a term of the case does anything but turn constant fields into rotations:
    the mean field of the result is compared with the rates of the kinetic equation.
    """
    from mpi4py import MPI

    from hpcqke.simulation import Simulation

    if case.flavors.count != 2:
        raise CaseError(["flavors.count = 3: manybody is for 2"])
    grid = case.grid  # every rank has all of it
    grid = replace(grid, z=replace(grid.z, ranks=0), momentum=replace(grid.momentum, ranks=0))
    with Simulation(replace(case, grid=grid), comm=MPI.COMM_SELF) as sim:
        field, coupling, mu = hamiltonian(case, sim)
        compare(sim, field, coupling, mu)
        if start is None:
            sim._initial_state()
        else:
            sim.set_state(start)
        P0, P, weight = modes(sim, sim.state())
    length = np.sqrt((P**2).sum(axis=1))
    density = 0.5 * weight[:, None] * np.stack([P0 + length, P0 - length], axis=1)
    if not density.max() > 0 or density.min() < -SAME * density.max():
        raise CaseError(["initial: must have neutrinos, with |P| <= P0 in every mode"])
    mode, side = np.nonzero(density > SAME * density.max())
    # with P = 0 any two opposite states do: those of flavor
    axis = np.where(length[:, None] > 0, P / np.where(length > 0, length, 1)[:, None], [0, 0, 1])
    n = density[mode, side]
    N = n.size if neutrinos is None else neutrinos
    share = N * n / n.sum()
    count = np.round(share).astype(int)
    if count.min() < 1 or np.abs(share - count).max() > 1e-9 * N:
        raise CaseError([f"neutrinos = {N}: the densities ask for {share} of each kind"])
    spin = axis[mode] * (1 - 2 * side)[:, None] * sign(sim, P0.size)[mode, None]
    return SpinSystem(count, field[mode], spin, coupling[np.ix_(mode, mode)], mu * n.sum())


def hamiltonian(case: Case, sim: Simulation) -> tuple[np.ndarray, np.ndarray, float]:
    """b (modes, 3), J (modes, modes) and mu from the case's terms, at the start."""
    from hpcqke.analysis.homogeneous import hamiltonian_terms, interaction_strength

    grid, t = sim.ps.momentum, case.time.start
    species = 2 if case.flavors.antineutrinos else 1
    b = np.zeros((species, grid.p.size, grid.v.size, 3))
    for term in hamiltonian_terms(case):
        mean, matrix = term.mean(sim.ps, t), term.matrix(grid.magnitude)
        if mean is not None:
            b += mean.mean(axis=0)[1:]
        if matrix is not None:  # of antineutrinos with the other sign
            b += np.array([1, -1])[:species, None, None, None] * matrix[:, None, 1:]
    n = np.concatenate([grid.v[None], grid.transverse]) if grid.azimuths > 1 else grid.v[None]
    J = np.tile(1 - np.einsum("am,an->mn", n, n), (species * grid.p.size,) * 2)
    return b.reshape(-1, 3), J, interaction_strength(case)


def modes(sim: Simulation, state: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P0 (modes,), P (modes, 3) and weight (modes,) of a uniform state."""
    own = state[:, :, :, : sim.ps.particles]
    if np.ptp(own, axis=0).max() > SAME * np.abs(own).max():
        raise CaseError(["initial: must be the same at all z, for manybody"])
    A = own[0].transpose(2, 0, 1, 3).reshape(-1, 4)
    return A[:, 0], A[:, 1:], np.tile(sim.ps.momentum.weight.ravel(), sim.ps.particles)


def sign(sim: Simulation, size: int) -> np.ndarray:
    """+1 for modes of neutrinos, -1 for antineutrinos: their spin is -Pbar."""
    return np.repeat([1.0, -1.0][: sim.ps.particles], size // sim.ps.particles)


def compare(sim: Simulation, field: np.ndarray, coupling: np.ndarray, mu: float) -> None:
    """CaseError unless d_t P of the kinetic equation is that of b, J, mu, at start and end.

    The state is uniform and has every mode with a direction of its own, so that no rate vanishes.
    """

    def probe(species, z, p, v, *azimuth):
        k = np.arange(p.size * v.size).reshape(p.size, v.size) + 0.5 * (species == "nubar")
        x, y, along = np.cos(2.4 * k), np.sin(2.4 * k), np.cos(1.7 * k)
        rho = np.empty((*k.shape, 2, 2), dtype=complex)
        rho[..., 0, 0], rho[..., 1, 1] = 2 + along, 2 - along
        rho[..., 0, 1], rho[..., 1, 0] = x - 1j * y, x + 1j * y
        return np.broadcast_to(0.5 * rho, (z.size, *rho.shape))

    sim.set_state(probe)
    _, P, weight = modes(sim, sim.state())
    V = field + mu * coupling @ ((sign(sim, len(P)) * weight)[:, None] * P)
    wanted = np.cross(V, P)
    for t in (sim.case.time.start, sim.case.time.end):
        rates = sim.rhs(t)[:, :, :, : sim.ps.particles].transpose(0, 3, 1, 2, 4)
        rates = rates.reshape(len(rates), -1, 4)
        off = max(np.abs(rates[..., 1:] - wanted).max(), np.abs(rates[..., 0]).max())
        if off > SAME * max(np.abs(wanted).max(), np.abs(V).max()):
            needs = "must be constant vacuum, matter and self-interaction, for manybody"
            raise CaseError([f"terms: {needs} (rates differ by {off:.1e} at t = {t:g})"])
