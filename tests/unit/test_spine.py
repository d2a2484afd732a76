"""Small parts of the spine: grids, blocks, components, schedules, sums, eigenvalues, recipes."""

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke import state
from hpcqke.eigenvalues import eigenvalues
from hpcqke.grids import MomentumGrid, ZGrid, quadrature
from hpcqke.phase_space import PhaseSpace, process_grids
from hpcqke.schedule import Schedule
from hpcqke.sums import ordered_sum


def grid_of(nv: int, momenta: int = 1) -> MomentumGrid:
    v, w = quadrature("gauss-legendre", nv)
    return MomentumGrid(v, w, 1.0 + np.arange(momenta), np.ones(momenta))


def hermitian(n: int, count: int = 50) -> np.ndarray:
    draw = np.random.default_rng(n)
    a = draw.normal(size=(count, n, n)) + 1j * draw.normal(size=(count, n, n))
    return a + a.conj().swapaxes(-1, -2)


@pytest.mark.parametrize("n", [2, 3])
def test_components_and_matrices_are_inverse(n):
    rho = hermitian(n)
    c = state.from_matrix(rho)
    assert np.abs(state.to_matrix(c) - rho).max() < 1e-15
    assert np.allclose(state.trace(c), np.trace(rho, axis1=1, axis2=2).real)
    product = np.einsum("aij,aji->a", rho, rho[::-1]).real
    assert np.allclose(state.trace_product(c, c[::-1]), product)
    assert np.allclose(state.occupations(c), np.einsum("aii->ai", rho).real)
    assert np.allclose(eigenvalues(c), np.linalg.eigvalsh(rho))


def test_two_flavors_are_pauli_matrices():
    """rho = (P0 + P . sigma)/2, psi = P^x + i P^y."""
    sigma = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    P = np.array([1.0, 0.3, -0.2, 0.5])
    assert np.allclose(state.to_matrix(P), 0.5 * np.einsum("c,cij->ij", P, sigma))
    assert np.allclose(state.off_diagonals(P), 0.3 - 0.2j)


def test_eigenvalues_of_nearly_degenerate_matrices():
    """Where the closed form of the cubic loses half of its digits."""
    rho = np.eye(3) + 1e-9 * hermitian(3)
    assert np.abs(eigenvalues(state.from_matrix(rho)) - np.linalg.eigvalsh(rho)).max() < 5e-15


@pytest.mark.parametrize(("rule", "count"), [("gauss-legendre", 7), ("uniform", 8)])
def test_quadrature(rule, count):
    v, w = quadrature(rule, count)
    assert np.isclose(w.sum(), 2)
    assert np.isclose((w * v**2).sum(), 2 / 3, atol=0 if rule[0] == "g" else 0.011)


@pytest.mark.parametrize("nv", [1, 2, 3, 4, 5, 8, 9, 16, 17, 100])
@pytest.mark.parametrize("momenta", [1, 5])
def test_blocks_hold_every_mode_once(nv, momenta):
    grid = grid_of(nv, momenta)
    blocks = grid.blocks(1)
    assert np.isclose(blocks.weight.sum(), grid.weight.sum())
    assert np.isclose((blocks.weight * blocks.v**2).sum(), (grid.weight * grid.v**2).sum())
    assert blocks.chunk_columns[0] == 0
    assert blocks.chunk_columns[-1] == blocks.columns
    assert np.count_nonzero(blocks.weight) == nv * momenta


def test_process_grids():
    """z is split first, momentum when rows run out; impossible layouts are not offered."""
    grid = grid_of(16)
    assert process_grids(4, 1000, 4, grid)[0] == (4, 1)
    assert process_grids(4, 16, 4, grid)[0] == (2, 2)
    assert (1, 4) in process_grids(4, 1000, 4, grid)
    assert process_grids(3, 1, 0, grid_of(2)) == []


@pytest.mark.parametrize(("nv", "momenta"), [(2, 1), (5, 1), (20, 1), (3, 4)])
def test_natural_order_and_back(nv, momenta):
    ps = PhaseSpace(ZGrid(1.0, 6), grid_of(nv, momenta), 2, 2, 2, comm=MPI.COMM_SELF)
    A = np.random.default_rng(1).normal(size=(6, momenta, nv, 2, 4))
    X = ps.from_natural(A)
    assert np.array_equal(ps.to_natural(X), A)
    assert X.shape == (6, ps.row)
    ps.destroy()


def test_schedule_meets_the_numbers_people_write():
    """0.3 is due for 0.1 and for 0.15: no clock is off by a rounding error."""
    tenth, other = Schedule(0.0, 1.0, 0.1), Schedule(0.0, 1.0, 0.15)
    t, seen = 0.0, []
    while t < 1.0:
        t = min(tenth.next_time(t), other.next_time(t))
        assert tenth.due(t, 1) or other.due(t, 1)
        seen.append(t)
    assert seen == sorted({k / 10 for k in range(1, 11)} | {0.15, 0.45, 0.75})
    assert tenth.count() == 11
    assert other.count() == 8


def test_ordered_sum_does_not_depend_on_the_order():
    draw = np.random.default_rng(3)
    x = draw.normal(size=(1000, 3)) * 10.0 ** draw.integers(-12, 3, size=(1000, 3))
    found = {ordered_sum(draw.permutation(x), MPI.COMM_SELF).tobytes() for _ in range(20)}
    assert len(found) == 1
    assert np.allclose(np.frombuffer(found.pop()), x.sum(axis=0), rtol=1e-13)
    x[5, 1] = np.nan
    assert np.array_equal(np.isnan(ordered_sum(x, MPI.COMM_SELF)), [False, True, False])


def test_seeds_do_not_depend_on_the_grid_or_the_part_of_it():
    """The same z gives the same noise on another grid: seeds are functions, not arrays."""
    found = []
    for cells in (300, 600):
        case = hpcqke.load_case("two_beam", {"grid.z.cells": cells, "initial.seed": 7})
        with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
            sim._initial_state()
            found.append(sim.state()[:: cells // 300])
    assert np.abs(found[0] - found[1]).max() < 1e-15
    assert np.std(found[0][..., 1]) > 1e-4


def test_random_seeds_have_the_spectrum_of_equation_13():
    """<a_n^2> = sigma^2 for every n, over many seeds."""
    power = []
    for seed in range(60):
        case = hpcqke.load_case("two_beam", {"grid.z.cells": 256, "initial.seed": seed})
        with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
            sim._initial_state()
            wave = np.fft.fft(sim.state()[:, 0, 0, 0, 1]) / 256
        power.append(np.abs(wave[1:101]) ** 2)
    assert abs(np.mean(power) / 1e-8 - 1) < 0.05
    assert np.array(power).mean(axis=0).std() / 1e-8 < 0.3


def test_set_state_refuses_what_is_no_density_matrix():
    case = hpcqke.load_case("two_beam", {"grid.z.cells": 16, "initial.nmax": 4})
    shape = (16, 1, 2, 2, 2)
    wrong = {
        "shape": np.zeros((16, 2, 2, 2)),
        "Hermitian": np.broadcast_to(np.array([[0, 1], [0, 0]]), shape),
        "finite": np.full(shape, np.nan),
    }
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        for word, values in wrong.items():
            with pytest.raises(hpcqke.errors.CaseError, match=word):
                sim.set_state(lambda s, z, p, v, values=values: values)
