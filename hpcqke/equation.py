"""The kinetic equation: the sum of the terms that are switched on, evaluated cell by cell.

    d_t rho = -v d_z rho + i [rho, h],    h(t, z, p) = A(t, z) - v B(t, z) + mode(p)

Every Hamiltonian of a homogeneous or one-dimensional, axially symmetric gas has this form:
self-interaction gives A = mu M, B = mu F with the momentum sums M = sum_p (rho - rhobar) and
F = sum_p v (rho - rhobar), mu = mu(t) or mu(z); matter adds to A; vacuum oscillation is the part
`mode` that depends on the momentum and on the species.
"""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter

import numpy as np

from hpcqke import guard
from hpcqke.arakawa_flow import ArakawaFlow
from hpcqke.channels import Transverse
from hpcqke.external_energy import ExternalEnergy
from hpcqke.gradient_flow import GradientFlow
from hpcqke.ledger import Ledger
from hpcqke.momentum_sums import MomentumSums
from hpcqke.phase_space import PhaseSpace
from hpcqke.species_view import kinetic_kernel
from hpcqke.terms.base import HamiltonianTerm
from hpcqke.upwind import Upwind


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
        self.gradient = next((t for t in self.terms if t.kind == "gradient"), None)
        for term in self.sources:
            term.prepare(ps)
        order, strength = self.transport.scheme() if self.transport else (0, 0.0)
        self.upwind = Upwind(ps, order) if order % 2 else None
        order = 0 if self.upwind else order  # of the central differences in the kernel
        scheme = {"order": order, "dz": ps.z.dz, "filter": strength, "speed": self._speed()}
        self.kernel = kinetic_kernel(ps, ps.weight, ps.field_factors, **scheme)
        self._mean, self._mode = self._fixed_hamiltonian()
        self._strengths = [
            t.strength for t in self.hamiltonian if type(t).strength is not HamiltonianTerm.strength
        ]
        self._varying = [term for term in self.hamiltonian if term.varies]
        self.along_z = self._strength_along(ps.z.z)
        self.external = ExternalEnergy(ps, self.hamiltonian)
        self._flow = None
        self._across = self._transverse(order)
        if self.gradient:
            channels = self._across.channels if self._across else ()
            flow = ArakawaFlow if self.gradient.with_advection else GradientFlow
            self._flow = flow(ps, self.gradient, order, self.hamiltonian, channels)
        whole = ps.ranks_p == 1 and self.along_z is None
        self._fused = whole and self._flow is None and self._across is None and not self.upwind
        self.width = order // 2
        self.ledger = None
        if any(t.kind == "ledger" for t in self.terms):
            rate = sum(t.max_rate(ps) for t in self.hamiltonian if t.name == "self_interaction")
            self.ledger = Ledger(ps, self.kernel, order, rate)
        self._own = MomentumSums(ps, self.kernel)
        self._sums = MomentumSums(ps, self.kernel, ghosts=True) if self._flow else self._own
        self._along = 1.0  # of the rows that momentum sums are formed of
        if self.along_z is not None:
            around = ps.positions(ps.ghosts.width_z if self._flow else 0)
            self._along = self._strength_along(around)[:, None]
        self.energy = np.broadcast_to(ps.momentum.p[:, None], ps.momentum.weight.shape)
        if self._flow:
            self.energy = self._flow.operator.energy
        # What a species' trace counts: a tracer is stored times its scale. In tracer mode the
        # energy is that of the response alone; rho's own never changes and would drown it.
        tracers = ps.S - ps.particles
        scale = self._flow.tracer_scale if self._flow else 1.0
        self.number_shares = np.array([1.0] * ps.particles + [1 / scale] * tracers)
        self.energy_shares = self.number_shares.copy()
        if tracers:
            self.energy_shares[: ps.particles] = 0.0
        self._slope = ps.aligned() if self.sources or not self._fused else None
        self._gradient_sweep, self._kept = None, (None, None)
        if isinstance(self._flow, GradientFlow) and not self._varying and self.along_z is None:
            self._gradient_sweep = self._flow.sweep(self.kernel, self._mean, self._mode)
        spare = ps.ghosts.width_z - order // 2
        self._lo, self._hi = ps.ghosts.lo[spare:], ps.ghosts.hi[: order // 2]
        rows, w = ps.rows, min(ps.stencil, ps.rows)
        self._inner = (w, rows - w) if rows > 2 * w else (0, 0)
        first, last = self._inner
        self._edges = [r for r in ((0, first), (last, rows)) if r[1] > r[0]]
        self.seconds = {"ghost rows": 0.0, "momentum sums": 0.0, "kernels": 0.0}
        self.calls = 0

    def _speed(self) -> np.ndarray | None:
        """The velocity X energy, where that is not exactly v; else None.

        Zero if the gradient term does the advection: what is left of it is its filter.
        """
        momentum, ps = self.ps.momentum, self.ps
        if self.gradient is not None and self.gradient.with_advection:
            return np.zeros_like(ps.v)
        if self.gradient is None or momentum.v_edges is None:
            return None
        return ps.pack_modes(self.gradient.operator(momentum).speed[ps.own[1:]])

    def _transverse(self, order: int) -> Transverse | None:
        """The parts of h that depend on the azimuth, if there are azimuth bins."""
        ps, term = self.ps, self.gradient
        if ps.momentum.azimuths == 1:
            return None
        if term is None:
            return Transverse(ps, order, False)
        return Transverse(ps, order, True, term.c18, term.config.eq18_in_bracket)

    @property
    def c18(self) -> float:
        """The coefficient of the extra term of Eq. (18); 0 without it."""
        return self._across.c18 if self._across else 0.0

    def _fixed_hamiltonian(self):
        """Parts of h that depend on neither time nor state (None where nothing adds to them)."""
        mean = mode = None
        for term in self.hamiltonian:
            part = None if term.varies else term.mean(self.ps, 0.0)
            if part is not None:
                mean = part if mean is None else mean + part
            part = term.mode(self.ps)
            if part is not None:
                mode = part if mode is None else mode + part
        if mode is not None and self.ps.S > self.ps.particles:
            # with a tracer the kernel has one species, see species_view
            mode = mode.reshape(-1, self.ps.C, self.ps.blocks.width)
        return mean, mode

    def _mean_at(self, t: float) -> np.ndarray | None:
        """The part of h that depends on place and time only, own rows."""
        mean = self._mean
        for term in self._varying:
            part = term.mean(self.ps, t)
            mean = part if mean is None else mean + part
        return mean

    def strength(self, t: float) -> float:
        """mu(t): the factor between the momentum sums and the self-interaction."""
        return sum(strength(t) for strength in self._strengths)

    def strengths(self, times: list[float]) -> list[float]:
        """mu at each of these times."""
        if len(self._strengths) == 1:
            strength = self._strengths[0]
            return [strength(t) for t in times]
        return [self.strength(t) for t in times]

    @property
    def mode(self) -> np.ndarray | None:
        """What h has at every z: (blocks, species*N_f^2, lanes), or None."""
        return self._mode

    def mean_hamiltonian(self) -> np.ndarray | None:
        """The part of h that depends on z alone, own rows: (rows, N_f^2), or None."""
        return self._mean

    def mode_hamiltonian(self) -> np.ndarray | None:
        """The part of h that depends on the mode alone, or None.

        (direction x momentum x species, components): without the trace's component for two flavors.
        """
        if self._mode is None:
            return None
        natural = self.ps.unpack_modes(self._mode.reshape(-1), self.ps.C)
        flat = np.swapaxes(natural, 0, 1).reshape(-1, self.ps.C)
        return flat[:, 1:] if self.ps.N == 2 else flat

    def strength_rate(self, t: float) -> float:
        """d_t mu."""
        return sum(term.strength_rate(t) for term in self.hamiltonian)

    def _strength_along(self, z: np.ndarray) -> np.ndarray | None:
        """The factor of mu(t) that depends on z, (len(z),), None if there is none."""
        parts = [term.strength_along(z) for term in self.hamiltonian]
        return next((part for part in parts if part is not None), None)

    def moments(self, X: np.ndarray) -> np.ndarray:
        """(M, F) of own rows, (rows, 2 N_f^2), in components; overwritten by the next call."""
        return self._own.finish(self._own.start(X))

    def momentum_sums(self, X: np.ndarray) -> np.ndarray:
        """The sums that energies consist of, own rows: `hpcqke.refractive_energy.SUMS`.

        (rows, 2, 4 or 6, N_f^2), a new array.
        """
        return self.momentum_sums_with(self._own, X)[0]

    def momentum_sums_with(self, own: MomentumSums, X: np.ndarray):
        """The same with M and F from ``own``, and its energies of own rows (see `sums_with`)."""
        sums = [own.finish(own.start(X)).copy()]
        if self._across:
            sums += self._across.moments(X)
        return np.concatenate(sums, axis=1).reshape(self.ps.rows, -1, self.ps.C), own.energies

    def sums_with(self, energy: np.ndarray) -> MomentumSums:
        """(M, F) and sum_p energy Tr rho in one pass; ``energy`` (blocks, species, lanes)."""
        if self.ps.S > self.ps.particles:  # the kernel has one species, see species_view
            energy = energy.reshape(-1, 1, self.ps.blocks.width)
        return MomentumSums(self.ps, self.kernel, energy=energy)

    def keep_sums_of(self, X: np.ndarray) -> np.ndarray | None:
        """From now on keep (M, F) of own rows at every evaluation of this very array.

        Returns the place, as `momentum_sums` has them; None where evaluations need other sums.
        """
        if not self._gradient_sweep:
            return None
        ps = self.ps
        self._kept = (X, np.empty((ps.rows, 2 * ps.C)))
        return self._kept[1].reshape(ps.rows, 2, ps.C)

    def evaluate(self, t: float, vec, X: np.ndarray, F: np.ndarray) -> None:
        """F = right-hand side at time t for the state X (own rows of ``vec``)."""
        if self._fused:
            args = (self.strength(t), self._mean_at(t), None, self._mode)
            self._sweep(
                vec, lambda *rows: self.kernel.fused(X, self._lo, self._hi, F, *rows, *args)
            )
        elif self._gradient_sweep:
            self._with_gradient(t, vec, X, F=F)
        else:
            A, B = self._transport_and_mean_field(t, vec, X, F)
            with self._timed("kernels"):
                self.kernel.commutator(X, A, B, self._mode, F)
        for term in self.sources:
            with self._timed(term.name):
                term.add_source(t, X, F)
        self.calls += 1

    def evaluate_stage(self, t: float, vec, X: np.ndarray, stage, number: int = 0) -> None:
        """The slope at (t, X), combined at once into what a Runge-Kutta ``stage`` wants of it.

        ``number``: which stage of the step it is, for the ledger.
        """
        kernel = self.kernel
        if self.sources:
            self.evaluate(t, vec, X, self._slope)
            with self._timed("kernels"):
                stage.apply(self._slope, 0, self.ps.rows)
            return
        if self._fused:
            args = (self.strength(t), self._mean_at(t), None, self._mode, stage)
            if self.ledger:
                args += (self.ledger.tally, number)
            self._sweep(vec, lambda *rows: kernel.fused_stage(X, self._lo, self._hi, *rows, *args))
        elif self._gradient_sweep:
            self._with_gradient(t, vec, X, stage=stage)
        else:
            A, B = self._transport_and_mean_field(t, vec, X, self._slope)
            with self._timed("kernels"):
                kernel.commutator_stage(X, A, B, self._mode, self._slope, stage)
        self.calls += 1

    @property
    def all_in_kernel(self) -> bool:
        """Is a slope the result of `kinetic.Kinetic.fused` alone?"""
        return self._fused and not self.sources and not self._varying

    def mean_around(self, ghosts: int) -> np.ndarray | None:
        """What h has at every momentum, for own rows and so many before and after. Collective."""
        if self._mean is None:
            return None
        every = np.concatenate(self.ps.z_comm.allgather(self._mean))
        first, last = self.ps.z_range
        return every[np.arange(first - ghosts, last + ghosts) % self.ps.nz]

    def _sweep(self, vec, kernel) -> None:
        """``kernel(first, last)`` over all rows, those without ghosts while ghosts travel."""
        ps, seconds, now = self.ps, self.seconds, perf_counter
        t0 = now()
        ps.ghosts.begin(vec)
        t1 = now()
        kernel(*self._inner)
        t2 = now()
        ps.ghosts.end(vec)
        t3 = now()
        for rows in self._edges:
            kernel(*rows)
        seconds["ghost rows"] += (t1 - t0) + (t3 - t2)
        seconds["kernels"] += (t2 - t1) + (now() - t3)

    def stream(self, vec, X: np.ndarray, F: np.ndarray) -> None:
        """F = -v d_z X (and the filter), own rows; fills the ghosts of ``vec`` on the way."""
        if self.upwind:
            self._sweep(vec, lambda *rows: self.upwind.transport(X, F, *rows))
        else:
            self._sweep(vec, lambda *rows: self.kernel.transport(X, self._lo, self._hi, F, *rows))

    def _with_gradient(self, t: float, vec, X, **target) -> None:
        """The slope with the gradient terms, one pass after the momentum sums."""
        ghosts, sums, seconds = self.ps.ghosts, self._sums, self.seconds
        start = perf_counter()
        ghosts.begin(vec)
        t1 = perf_counter()
        sums.add(1, X)  # while ghosts travel
        t2 = perf_counter()
        ghosts.end(vec)
        t3 = perf_counter()
        sums.add(0, ghosts.lo)
        sums.add(2, ghosts.hi)
        total = sums.finish(sums.exchange())
        spare = ghosts.width_z - self._flow.width
        total = total[spare : len(total) - spare]
        if X is self._kept[0]:
            np.copyto(self._kept[1], total[self._flow.width :][: self.ps.rows])
        t4 = perf_counter()
        around = (self._lo, self._hi, ghosts.before, ghosts.after)
        self._gradient_sweep(X, *around, self.strength(t), total, **target)
        seconds["ghost rows"] += (t1 - start) + (t3 - t2)
        seconds["momentum sums"] += (t2 - t1) + (t4 - t3)
        seconds["kernels"] += perf_counter() - t4

    def _transport_and_mean_field(self, t: float, vec, X, F) -> tuple[np.ndarray, np.ndarray]:
        """F = transport (and gradient terms), while the momentum sums travel; then (A, B)."""
        ps, seconds = self.ps, self.seconds
        sums, across, w = self._sums, self._across, self._flow.width if self._flow else 0
        request, requests = None, []
        if not self._flow:
            with self._timed("kernels"):
                request = sums.start(X)
                requests = across.start(X) if across else []
        self.stream(vec, X, F)
        if self._flow:
            with self._timed("kernels"):
                around = (ps.ghosts.lo, X, ps.ghosts.hi)
                request = sums.start(*around)
                requests = across.start(*around) if across else []
        start = perf_counter()
        mu, mean = self.strength(t) * self._along, self._mean_at(t)
        field = mu * sums.finish(request)
        spare = ps.ghosts.width_z - w if self._flow else 0
        field = field[spare : len(field) - spare]
        fields = across.finish(requests, mu) if across else []
        A, B = np.ascontiguousarray(field[:, : ps.C]), np.ascontiguousarray(field[:, ps.C :])
        seconds["momentum sums"] += perf_counter() - start
        if self._flow:
            with self._timed("gradient terms"):
                self._flow.add(X, F, A, B, [f.bracket for f in fields])
            A, B = A[w : w + ps.rows], B[w : w + ps.rows]
        if across:
            with self._timed("azimuths"):
                across.commutators(X, fields, F)
        if mean is not None:
            A = A + mean
        return A, B

    @contextmanager
    def _timed(self, name: str):
        start = perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start

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
        """Where the state, or else its slope, is not finite; None if both are. Collective."""
        X = self.ps.array(vec, readonly=True)
        where = guard.first_bad(self.ps, X)
        if where is None:
            F = np.empty_like(X)
            self.evaluate(t, vec, X, F)
            where = guard.first_bad(self.ps, F)
            where = where and f"the right-hand side at t = {t:.9g}, {where}"
        return where

    def number_rate(self, occupied: np.ndarray) -> np.ndarray:
        """What the sources add to d_t int sum rho_aa dz: (species, flavor).

        ``occupied``: int rho_aa dz of every mode, (momentum, direction, species, flavor).
        """
        rates = [term.number_rate(self.ps, occupied) for term in self.sources]
        return sum((r for r in rates if r is not None), np.zeros(occupied.shape[2:]))

    def max_rates(self) -> dict[str, float]:
        """The fastest rate of each term (1/time), for the time-step limit."""
        return {term.name: term.max_rate(self.ps) for term in self.terms}
