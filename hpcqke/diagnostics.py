"""What a run reports against time: numbers, energies, conserved quantities, spectra.

    U      = (mu/2) int dz [B(M,M) - B(F,F)],  B(a,b) = Tr ab + Tr a Tr b          Eq. (5)
    U1     = c18 mu int dz [B(G_x, d_z F_y) - B(G_y, d_z F_x)],  the term of       Eq. (18)
    U_osc  = (mu/2) int dz [<M,M> - <F,F>],    <a,b>  = Tr ab - Tr a Tr b / N_f
    dU_osc/dt = -mu int dz [<M, d_z F> - <F, d_z F2>]                              Eq. (7)

    dE/dt of a Hamiltonian that depends on time = int sum Tr d_tV (rho - rhobar) dz + (d_t mu/mu) U

(U_osc changes by (d_t mu/mu) U_osc on top of Eq. (7) then). mu(z) stands inside the integrals,
with M, F, F2 = sum_p (1, v, v^2) (rho - rhobar); with azimuth bins <F,F> stands for the sum over
the three components of the flux, see `refractive_energy`. Equation numbers are those of Fiorillo,
Raffelt & Sigl, PRL 133 (2024). For two flavors <a,b> = a.b/2 and U_osc = (mu/4) int (M^2 - F^2):
with two beams v = +1, -1 it is mu int P+ . P-. Every number is the same on any number of ranks.
"""

from __future__ import annotations

import numpy as np

from hpcqke import state
from hpcqke.eigenvalues import eigenvalues
from hpcqke.equation import KineticEquation
from hpcqke.integrals import mode_integrals
from hpcqke.momentum_sums import MomentumSums
from hpcqke.refractive_energy import (
    FLUXES,
    bilinear,
    curl,
    derivative,
    interaction,
    traceless_product,
)
from hpcqke.species_view import kinetic_kernel
from hpcqke.sums import ordered_sum

PIECE = 2**18
"""Bytes of rho that are worked on together: a large state needs no temporaries of its size."""
PARTS = ("kinetic", "refractive", "u1", "vacuum", "matter")
"""The energies that energy_total is the sum of."""


def entropy_density(eigenvalues: np.ndarray) -> np.ndarray:
    """s = -sum_i [n ln n + (1-n) ln(1-n)] over the last axis; NaN outside 0 <= n <= 1 (+- 1e-8)."""
    n = eigenvalues
    n = np.where((n < 0) & (n > -1e-8), 0.0, n)
    n = np.where((n > 1) & (n < 1 + 1e-8), 1.0, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(n > 0, n * np.log(n), np.where(n == 0, 0.0, np.nan))
        m = 1.0 - n
        terms = terms + np.where(m > 0, m * np.log(m), np.where(m == 0, 0.0, np.nan))
    return -terms.sum(axis=-1)


class Diagnostics:
    """One row of `series.nc` from the state. Collective; the row is complete on rank 0.

    ``with_kinetic``: is K, in the unit of the other energies, a part of energy_total?
    """

    def __init__(
        self, equation: KineticEquation, spectrum_modes: int, with_kinetic: bool = True
    ) -> None:
        self._parts = PARTS if with_kinetic else PARTS[1:]
        self.equation, self.ps = equation, equation.ps
        ps = self.ps
        self.order = equation.transport.scheme()[0] if equation.transport else 0
        self.open = ps.z.ends is not None
        n = 0 if self.open else min(spectrum_modes, (ps.nz - 1) // 2)  # no waves between open ends
        self.harmonics = np.arange(-n, n + 1)
        self.k = 2 * np.pi * self.harmonics / ps.z.length
        # With weights w v the kernel's two sums are F = sum v rho and F2 = sum v^2 rho (v n_x rho).
        cosines = [ps.v]
        if ps.momentum.azimuths > 1:
            shape = (ps.np, ps.nv)
            n = (np.broadcast_to(n, shape)[ps.own[1:]] for n in ps.momentum.transverse)
            cosines += [ps.pack_modes(a) for a in n]
        weight = ps.weight * ps.v
        self._fluxes = [
            MomentumSums(ps, kinetic_kernel(ps, weight, ps.field_factors, v=u)) for u in cosines
        ]
        self._rhs = ps.create_vec()
        self.reference: dict | None = None

    def destroy(self) -> None:
        self._rhs.destroy()

    def set_reference(self, X: np.ndarray) -> None:
        """Remember the initial integrals that drifts and survival are measured against."""
        linear, square = mode_integrals(self.ps, X)
        self.reference = {"linear": linear.tolist(), "square": square.tolist()}

    def row(self, t: float, step: int, vec) -> dict:
        """Everything `series.nc` keeps of this moment; scalars are floats."""
        ps = self.ps
        X = ps.array(vec, readonly=True)
        linear, square = mode_integrals(ps, X)
        weight = ps.momentum.weight
        reference = np.asarray(self.reference["linear"])
        square0 = np.asarray(self.reference["square"])
        matrix = np.einsum("pd,pdsc->sc", weight, linear)
        equation, content = self.equation, state.trace(linear)
        carried = (weight * equation.energy)[..., None] * content * equation.energy_shares
        along = carried.sum(axis=0)
        momentum = np.sum(ps.momentum.v[:, None] * along)
        safe = np.where(square0 > 0, square0, 1.0)
        drift = np.abs(np.where(square0 > 0, square / safe - 1.0, 0.0))
        external = self.equation.external
        row = {
            "energy_vacuum": external.modes(linear).get("vacuum", 0.0),
            "step": step,
            "number": state.trace(matrix),
            "number_rate": equation.number_rate(state.occupations(linear)),
            "flavor_matrix": matrix,
            "energy_kinetic": float(along.sum()),
            "energy_kinetic_direction": along,
            "momentum_z": float(momentum),
            "occupation": content * equation.number_shares,
            "polarization_norm_error": float(drift.max()),
            "survival": survival(weight, linear, reference),
        }
        if equation.ledger:  # what came to each direction, not what it has
            along = equation.ledger.kinetic
            row["energy_kinetic"], row["energy_kinetic_direction"] = float(along.sum()), along
            row["momentum_z"] = float(np.sum(ps.momentum.v[:, None] * along))
            row["energy_work_direction"] = equation.ledger.work
        row.update(self._local_sums(X))
        row.update(self._mean_field(t, vec, X))
        row["energy_total"] = sum(row.get(f"energy_{part}", np.nan) for part in self._parts)
        row["time"] = t
        return row

    def _local_sums(self, X: np.ndarray) -> dict:
        """Integrals of quantities that are not linear in rho."""
        ps = self.ps
        weight = ps.momentum.weight[ps.own[1], ps.own[2]][None, :, :, None] * ps.z.dz
        values = np.empty((len(X), *weight.shape[1:3], ps.S, 3))
        ends = np.full(2, -np.inf)  # minus the smallest eigenvalue, and the largest
        rows = max(1, PIECE // (8 * ps.row))
        for z in range(0, len(X), rows):
            A, part = ps.to_natural(X[z : z + rows]), values[z : z + rows]
            part[..., 0] = weight * state.trace_product(A, A)
            part[..., 1] = weight * np.sum(np.abs(state.off_diagonals(A)) ** 2, axis=-1)
            n = eigenvalues(A)
            own = n[..., : ps.particles, :]
            np.maximum(ends, [-own.min(), own.max()], out=ends)
            part[..., 2] = weight * entropy_density(n)
        values[..., ps.particles :, 2] = 0.0
        extremes = self._extremes(ends)
        sums = ordered_sum(values.reshape(-1, ps.S * 3), ps.comm).reshape(ps.S, 3)
        norm = ps.momentum.weight.sum() * ps.z.length * ps.particles
        return {
            "trace_rho_squared": sums[:, 0],
            "off_diagonal_rms": float(np.sqrt(sums[:, 1].sum() / norm)),
            "entropy": float(sums[:, 2].sum()),
            "eigenvalue_min": extremes[0],
            "eigenvalue_max": extremes[1],
        }

    def _extremes(self, ends: np.ndarray) -> tuple[float, float]:
        """The smallest and the largest eigenvalue anywhere from this rank's, the first times -1."""
        from mpi4py import MPI

        self.ps.comm.Allreduce(MPI.IN_PLACE, ends, MPI.MAX)
        return float(-ends[0]), float(ends[1])

    def _mean_field(self, t: float, vec, X: np.ndarray) -> dict:
        """Energies, Eq. (7) and spectra from the momentum sums, on rank 0 (else empty)."""
        ps, C = self.ps, self.ps.C
        dX = ps.array(self._rhs)
        with self.equation.uncounted():
            self.equation.evaluate(t, vec, X, dX)
        state_sums, slope_sums = self.equation.momentum_sums(X), self.equation.momentum_sums(dX)
        streaming = [s.finish(s.start(X))[:, C:].copy() for s in self._fluxes]
        parts = [state_sums, slope_sums, np.stack(streaming, axis=1)]
        flux = {}
        if self.equation.upwind:
            with self.equation.uncounted():
                self.equation.stream(vec, X, dX)
            parts[2] = self.equation.momentum_sums(dX)
            if self.open:
                ends = self.equation.upwind.boundary_flux(vec, X)
                flux = {"flux_left": ends[0], "flux_right": ends[1]}
        rows = ps.gather_z(np.concatenate(parts, axis=1))
        if rows is None:
            return flux
        n = state_sums.shape[1]
        sums, slope, F2 = rows[:, :n], rows[:, n : 2 * n], rows[:, 2 * n :]
        M, F, fluxes = sums[:, 0], sums[:, 1], sums[:, FLUXES]
        mu, dz, along = self.equation.strength(t), ps.z.dz, self.equation.along_z
        weight = 1.0 if along is None else along  # mu(t, z) = mu(t) times this
        oscillating = weight * interaction(sums, sums, traceless_product)
        full = weight * interaction(sums, sums)
        rate = gain = extra = np.zeros(1)
        if self.equation.upwind:  # <M, -d_z F> - <F, -d_z F2> of the differences themselves
            rate = weight * interaction(sums, F2, traceless_product)
        elif self.order:
            gradient, dzF2 = (derivative(a, self.order, dz) for a in (sums, F2))
            dzF = gradient[:, 1]
            rate = traceless_product(fluxes, dzF2).sum(axis=1) - traceless_product(M, dzF)
            rate = weight * rate
            extra = self.equation.c18 * curl(sums, gradient)
            if along is not None:
                gradient = derivative(along[:, None, None] * sums, self.order, dz)
            gain = bilinear(F2, gradient[:, FLUXES]).sum(axis=1) - bilinear(F, gradient[:, 0])
        on = float(self.equation.gradient is not None or self.equation.ledger is not None)
        measured = weight * interaction(sums, slope, traceless_product)
        given = self.equation.strength_rate(t) * dz * (0.5 * full.sum() + extra.sum())
        return {
            "energy_u1": float(mu * dz * extra.sum()),
            "energy_matter": self.equation.external.place(M, t).get("matter", 0.0),
            "energy_given_rate": float(given + self.equation.external.rate(M, t)),
            "energy_refractive": float(0.5 * mu * dz * full.sum()),
            "energy_refractive_osc": float(0.5 * mu * dz * oscillating.sum()),
            "energy_refractive_osc_rate": float(mu * dz * rate.sum()),
            "energy_refractive_osc_rate_measured": float(mu * dz * measured.sum()),
            "energy_kinetic_rate": on * float(mu * dz * gain.sum()),
            "spectrum": self._spectrum(M, F),
            **flux,
        }

    def _spectrum(self, M: np.ndarray, F: np.ndarray) -> np.ndarray:
        """|psi_k| of the off-diagonal elements of M and F: (moment, pair, k)."""
        psi = np.stack([state.off_diagonals(M), state.off_diagonals(F)])
        modes = np.fft.fft(psi, axis=1) / self.ps.nz
        return np.abs(np.moveaxis(modes[:, self.harmonics, :], 1, 2))


def survival(weight: np.ndarray, now: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Survival probability (species, flavor).

    For each flavor a, over the modes that started mainly in it: int rho_aa(t) / int rho_aa(0).
    NaN where no mode started in that flavor.
    """
    n, n0 = state.occupations(now), state.occupations(start)
    main = n0.argmax(axis=-1)
    flavors = n.shape[-1]
    result = np.full((n.shape[2], flavors), np.nan)
    for s in range(n.shape[2]):
        for a in range(flavors):
            chosen = (main[..., s] == a) & (n0[..., s, a] > 0)
            before = np.sum((weight * n0[..., s, a])[chosen])
            if before > 0:
                result[s, a] = np.sum((weight * n[..., s, a])[chosen]) / before
    return result
