"""The matrix-Arakawa form of the gradient terms: number, energy and Tr rho^2 at once."""

import tomllib

import numpy as np
import pytest
from mpi4py import MPI
from test_bracket_energy import GRIDS, case_of, power, smooth

import hpcqke
from hpcqke import state
from hpcqke.case import make_case
from hpcqke.errors import CaseError
from hpcqke.gradient_flow import with_trace
from hpcqke.grids import CENTRAL

ARAKAWA = {"form": "arakawa"}
PROBLEMS = [(grid, n, anti) for grid in GRIDS for n in (2, 3) for anti in (False, True)]


def d_z(f: np.ndarray, dz: float, order: int = 8) -> np.ndarray:
    """Central difference along the first axis, periodic."""
    pairs = enumerate(CENTRAL[order], start=1)
    return sum(c * (np.roll(f, -m, 0) - np.roll(f, m, 0)) for m, c in pairs) / dz


def jordan(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b + b @ a) / 2


def changed(case, settings: dict):
    return make_case(tomllib.loads(case.to_toml()), settings)


class Model:
    """The equation with complex matrices (z, momentum, direction, N_f, N_f), as on paper."""

    def __init__(self, sim) -> None:
        ps, equation = sim.ps, sim.equation
        self.ps, self.rho = ps, [state.to_matrix(sim.state()[..., s, :]) for s in range(ps.S)]
        self.operator = equation.gradient.operator(ps.momentum)
        self.speed = self.operator.speed
        if ps.momentum.v_edges is None:
            self.speed = np.broadcast_to(ps.momentum.v, self.speed.shape)
        net = sim.state()[..., 0, :] - (sim.state()[..., 1, :] if ps.S == 2 else 0)
        weight, mu = ps.momentum.weight, equation.strength(0.0)
        A = with_trace(mu * np.einsum("pd,zpdc->zc", weight, net))
        B = with_trace(mu * np.einsum("pd,d,zpdc->zc", weight, ps.momentum.v, net))
        A = A + sum(t.potential(ps, ps.z.z) for t in equation.hamiltonian if t.name == "matter")
        vacuum = next(t for t in equation.hamiltonian if t.name == "vacuum")
        self.A, self.B = (state.to_matrix(f)[:, None, None] for f in (A, B))
        self.H = state.to_matrix(vacuum.matrix(np.ones(1)))[0]
        self.mass = 1 / ps.momentum.magnitude[:, None, None, None]
        self.unmass = self.operator.inverse_momentum_drift(ps.momentum.magnitude)

    def X(self, f: np.ndarray) -> np.ndarray:
        return np.stack([self.operator(row) for row in f])

    def slope(self, s: int) -> np.ndarray:
        """i[rho, h] + (J1 + J2 + J3)/3 of a species."""
        rho, dz, sign = self.rho[s], self.ps.z.dz, (1.0, -1.0)[s]
        v, one = self.ps.momentum.v[:, None, None], np.eye(self.H.shape[0])
        energy, speed, drift, unmass = (
            a[..., None, None]
            for a in (self.operator.energy, self.speed, self.operator.drift, self.unmass)
        )
        field = self.A - v * self.B
        h = sign * field + self.mass * self.H + energy * one
        dh = sign * d_z(field, dz) * np.ones((rho.shape[1], 1, 1, 1))
        Xh = -sign * drift * self.B + unmass * self.H + speed * one
        slope, push = d_z(rho, dz), self.X(rho)
        J1 = jordan(dh, push) - jordan(Xh, slope)
        J2 = d_z(jordan(h, push), dz) - self.X(jordan(h, slope))
        J3 = self.X(jordan(rho, dh)) - d_z(jordan(rho, Xh), dz)
        turn = field + sign * self.mass * self.H
        return 1j * (rho @ turn - turn @ rho) + (J1 + J2 + J3) / 3


ORDERS = [(2, *problem) for problem in PROBLEMS]
ORDERS += [(4, *problem) for problem in PROBLEMS if problem[0] == "on axis"]  # the others have one


@pytest.mark.parametrize(("order", "grid", "flavors", "antineutrinos"), ORDERS)
def test_slope_of_complex_matrices(grid, flavors, antineutrinos, order, figure):
    """The kernel's slope is that of the formulas, to rounding."""
    case = case_of(grid, flavors, antineutrinos, {**ARAKAWA, "order": order})
    error = distance_to_the_model(case)
    figure(f"Arakawa slope {flavors} flavors {grid}", f"{error:.1e} (tol 1e-13)")
    assert error < 1e-13


@pytest.mark.parametrize("directions", [1, 2, 3, 12, 20])
@pytest.mark.parametrize("flavors", [2, 3])
def test_slope_for_every_width_of_a_block(flavors, directions):
    """1, 2, 4 and 8 lanes, one and several blocks of directions, filled and not."""
    case = case_of("(p, v)", flavors, True, ARAKAWA)
    case = changed(case, {"grid.momentum.count": directions})
    assert distance_to_the_model(case) < 1e-13


def distance_to_the_model(case) -> float:
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(smooth(case.flavors.count))
        model, rate = Model(sim), state.to_matrix(sim.rhs())
        expected = np.stack([model.slope(s) for s in range(sim.ps.S)], axis=3)
    return float(np.abs(rate - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize(("grid", "flavors", "antineutrinos"), PROBLEMS)
def test_rates_of_the_three_invariants(grid, flavors, antineutrinos, figure):
    """d/dt of number, energy and Tr rho^2 vanish, with vacuum and matter that depends on z."""
    case = case_of(grid, flavors, antineutrinos, ARAKAWA)
    rates = power(case)
    energy = abs(sum(rates.values())) / max(map(abs, rates.values()))
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(smooth(flavors))
        weight = sim.ps.momentum.weight[:, :, None]
        number = weight * state.trace(sim.rhs())
        square = weight * state.trace_product(sim.state(), sim.rhs())
    found = [np.abs(a.sum(axis=(0, 1, 2))).max() / np.abs(a).sum() for a in (number, square)]
    figure(
        f"Arakawa rates {flavors} flavors {grid}",
        f"N {found[0]:.1e}, E {energy:.1e}, Tr rho^2 {found[1]:.1e} (tol 1e-12)",
    )
    assert max(energy, *found) < 1e-12


def test_split_form_does_not_keep_the_square():
    """In a (p, v) gas: what the other form is for."""
    case = case_of("(p, v)", 2, False, {})
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(smooth(2))
        square = sim.ps.momentum.weight[:, :, None] * state.trace_product(sim.state(), sim.rhs())
    assert abs(square.sum()) > 1e-7 * np.abs(square).sum()


@pytest.mark.parametrize(
    ("key", "value"), [("mode", "tracer"), ("weak_force", False), ("group_velocity", False)]
)
def test_what_is_for_the_split_form_only(key, value):
    """The tracer and the switches of the two parts are refused with a line that names them."""
    with pytest.raises(CaseError) as caught:
        case_of("on axis", 2, False, {**ARAKAWA, key: value})
    name = "form" if key == "mode" else key
    assert [f.split(" ")[0] for f in caught.value.faults] == [f"terms.gradient.{name}"]


def test_finite_volumes_have_one_order():
    with pytest.raises(CaseError, match=r"terms\.gradient\.order = 4"):
        case_of("(p, v)", 2, False, {"order": 4})
