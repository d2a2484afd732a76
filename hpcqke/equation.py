"""The kinetic equation: the sum of the terms that are switched on, evaluated cell by cell.

    d_t rho = -v d_z rho + i [rho, h],    h(t, z, p) = A(t, z) - v B(t, z) + mode(p)

Every Hamiltonian of a homogeneous or one-dimensional, axially symmetric gas has this form:
self-interaction gives A = mu M, B = mu F with the momentum sums M = sum_p (rho - rhobar) and
F = sum_p v (rho - rhobar); matter adds to A; vacuum oscillation is the part `mode` that depends
on the momentum and on the species.
"""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter

import numpy as np

from hpcqke import guard
from hpcqke.kernels import kinetic
from hpcqke.phase_space import PhaseSpace


class KineticEquation:
    """Right-hand side of the kinetic equation on one `PhaseSpace`.

    ``terms`` are `hpcqke.terms` objects. ``seconds`` and ``calls`` hold the time spent in each
    part of the evaluation, for the table at the end of a run.
    """

    def __init__(self, ps: PhaseSpace, terms) -> None:
        self.ps = ps
        self.terms = tuple(terms)
        self.transport = next((t for t in self.terms if t.kind == "transport"), None)
        self.hamiltonian = tuple(t for t in self.terms if t.kind == "hamiltonian")
        self.sources = tuple(t for t in self.terms if t.kind == "source")
        order, strength = self.transport.scheme() if self.transport else (0, 0.0)
        self.kernel = kinetic.Kinetic(
            ps.N,
            ps.S,
            ps.v,
            ps.weight,
            ps.chunk_start,
            order=order,
            dz=ps.z.dz,
            filter=strength,
        )
        rows, C = ps.rows, ps.C
        self._local = np.zeros((ps.chunk_start.size - 1, rows, 2 * C))
        self._all = np.zeros((ps.blocks.chunks, rows, 2 * C))
        self._sums = np.zeros((rows, 2 * C))
        self._A = np.zeros((rows, C))
        self._B = np.zeros((rows, C))
        self._mean, self._flux, self._mode = self._fixed_hamiltonian()
        self._counts = [int(n) * rows * 2 * C for n in np.diff(ps.chunk_bounds)]
        self.seconds = {"ghost rows": 0.0, "momentum sums": 0.0, "kernels": 0.0}
        self.calls = 0

    def _fixed_hamiltonian(self):
        """Parts of h that depend on neither time nor state (None where nothing adds to them)."""
        mean = mode = None
        for term in self.hamiltonian:
            part = term.mean(self.ps)
            if part is not None:
                mean = part if mean is None else mean + part
            part = term.mode(self.ps)
            if part is not None:
                mode = part if mode is None else mode + part
        return mean, None, mode

    def strength(self, t: float) -> float:
        """mu(t): the factor between the momentum sums and the self-interaction."""
        return sum(term.strength(t) for term in self.hamiltonian)

    def moments(self, X: np.ndarray, kernel=None) -> np.ndarray:
        """(M, F) of own rows, shape (rows, 2 N_f^2); same bits on every decomposition.

        M = sum_p (rho - rhobar),  F = sum_p v (rho - rhobar), in components; ``kernel`` may
        bring other weights. The result is overwritten by the next call.
        """
        (kernel or self.kernel).moments(X, self._local)
        request = self._start_sum()
        return self._finish_sum(request)

    def _start_sum(self):
        if self.ps.ranks_p == 1:
            return None
        from mpi4py import MPI

        return self.ps.p_comm.Iallgatherv(
            [self._local, MPI.DOUBLE], [self._all, (self._counts, None), MPI.DOUBLE]
        )

    def _finish_sum(self, request) -> np.ndarray:
        if request is not None:
            request.Wait()
        chunks = self._local if request is None else self._all
        kinetic.combine(chunks, self.ps.blocks.group, self._sums)
        return self._sums

    def evaluate(self, t: float, vec, X: np.ndarray, F: np.ndarray) -> None:
        """F = right-hand side at time t for the state X (own rows of ``vec``)."""
        ps, kernel, now = self.ps, self.kernel, perf_counter
        mu = self.strength(t)
        w, n = min(ps.stencil, ps.rows), ps.rows
        inner = (w, n - w) if n > 2 * w else (0, 0)
        t0 = now()
        ps.begin_ghosts(vec)
        t1 = now()
        if ps.ranks_p == 1:
            args = (mu, self._mean, self._flux, self._mode)
            kernel.fused(X, ps.lo, ps.hi, F, *inner, *args)
            t2 = now()
            ps.end_ghosts(vec)
            t3 = now()
            for rows in edges(inner, n):
                kernel.fused(X, ps.lo, ps.hi, F, *rows, *args)
            t4 = now()
        else:
            kernel.moments(X, self._local)
            request = self._start_sum()
            kernel.transport(X, ps.lo, ps.hi, F, *inner)
            t2 = now()
            ps.end_ghosts(vec)
            t3 = now()
            for rows in edges(inner, n):
                kernel.transport(X, ps.lo, ps.hi, F, *rows)
            t4 = now()
            sums = self._finish_sum(request)
            self._mean_field(mu, sums)
            t5 = now()
            kernel.commutator(X, self._A, self._B, self._mode, F)
            self.seconds["momentum sums"] += t5 - t4
            t4 += now() - t5
        for term in self.sources:
            term.add_source(t, X, F)
        self.seconds["ghost rows"] += (t1 - t0) + (t3 - t2)
        self.seconds["kernels"] += (t2 - t1) + (t4 - t3)
        self.calls += 1

    def _mean_field(self, mu: float, sums: np.ndarray) -> None:
        C = self.ps.C
        np.multiply(sums[:, :C], mu, out=self._A)
        np.multiply(sums[:, C:], mu, out=self._B)
        if self._mean is not None:
            self._A += self._mean

    def rhs(self, ts, t: float, x, f) -> None:
        """The callback of PETSc TS: f = d_t rho(t, x)."""
        X = self.ps.array(x, readonly=True)
        self.evaluate(t, x, X, self.ps.array(f))

    @contextmanager
    def uncounted(self):
        """Evaluations inside are left out of ``calls`` and ``seconds``: they are no time steps."""
        calls, seconds = self.calls, dict(self.seconds)
        yield
        self.calls, self.seconds = calls, seconds

    def first_nonfinite(self, t: float, vec) -> str | None:
        """Where the state, or else its right-hand side, is not finite; None if both are. Collective."""
        X = self.ps.array(vec, readonly=True)
        where = guard.first_bad(self.ps, X)
        if where is None:
            F = np.empty_like(X)
            self.evaluate(t, vec, X, F)
            where = guard.first_bad(self.ps, F)
            where = where and f"the right-hand side at t = {t:.9g}, {where}"
        return where

    def max_rates(self) -> dict[str, float]:
        """The fastest rate of each term (1/time), for the time-step limit."""
        return {term.name: term.max_rate(self.ps) for term in self.terms}


def edges(inner: tuple[int, int], n: int) -> list[tuple[int, int]]:
    """The row ranges outside ``inner`` = (first, last): those that need ghost rows."""
    a, b = inner
    return [r for r in ((0, a), (b, n)) if r[1] > r[0]]
