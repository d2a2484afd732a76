"""The recipes of initial data against their formulas, mode by mode."""

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case
from hpcqke.diagnostics import Diagnostics
from hpcqke.errors import CaseError

CELLS, LENGTH = 32, 6.0
V, WV = [-0.8, 0.3, 1.0], [0.7, 1.1, 0.5]
P, WP = [0.6, 1.7], [0.4, 1.3]
Z = -LENGTH / 2 + LENGTH / CELLS * np.arange(CELLS)
PZ, PZ_BAR = [0.5, -0.2, 0.3], [-0.1, 0.4, 0.2]


def case_of(initial: dict, antineutrinos: bool = True, momentum=None, **more):
    lists = {"directions": V, "weights": WV, "momenta": P, "momenta_weights": WP}
    sections = {
        "name": "initial",
        "grid": {"z": {"length": LENGTH, "cells": CELLS}, "momentum": momentum or lists},
        "flavors": {"count": 2, "antineutrinos": antineutrinos},
        "terms": {"advection": {}, "self_interaction": {"mu": 1.4}},
        "initial": initial,
        "time": {"end": 1.0},
    }
    return make_case(sections | more)


def filled(case) -> np.ndarray:
    """(z, momentum, direction, species, component) that the recipe gives."""
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        return sim.state()


BACKGROUND = {"recipe": "modes", "polarization": PZ, "modes": []}
BAR = {"polarization_bar": PZ_BAR}


@pytest.mark.parametrize(
    ("keys", "P0", "P0_bar", "bar"),
    [
        ({}, np.abs(PZ), [0, 0, 0], [0, 0, 0]),
        (BAR, np.abs(PZ), np.abs(PZ_BAR), PZ_BAR),
        ({"P0": [0.9, 0.8, 0.7]}, [0.9, 0.8, 0.7], [0, 0, 0], [0, 0, 0]),
        ({**BAR, "P0_bar": [0.6, 0.5, 0.4]}, np.abs(PZ), [0.6, 0.5, 0.4], PZ_BAR),
        ({**BAR, "P0": [0.9, 0.8, 0.7], "P0_bar": [0.6, 0.5, 0.4]}, [0.9, 0.8, 0.7],
         [0.6, 0.5, 0.4], PZ_BAR),
        ({"P0_bar": [0.6, 0.5, 0.4]}, np.abs(PZ), [0.6, 0.5, 0.4], [0, 0, 0]),
    ],
)  # fmt: skip
def test_background_of_every_direction_and_species(keys, P0, P0_bar, bar):
    modes = [{"direction": 1, "n": 1, "re": 1e-3}]
    A = filled(case_of({**BACKGROUND, **keys, "modes": modes}))
    assert A.shape == (CELLS, 2, 3, 2, 4)
    for s, (number, along) in enumerate(((P0, PZ), (P0_bar, bar))):
        assert np.array_equal(A[..., s, 0], np.broadcast_to(number, A.shape[:3]))
        assert np.array_equal(A[..., s, 3], np.broadcast_to(along, A.shape[:3]))


def test_zeta_goes_with_the_sign_of_the_direction():
    momentum = {"directions": [0.7, -0.4]}
    modes = [{"direction": 0, "n": 1, "re": 1e-3}]
    initial = {"recipe": "modes", "zeta_plus": 0.3, "zeta_minus": -0.6, "modes": modes}
    A = filled(case_of(initial, False, momentum))
    assert np.array_equal(A[0, 0, :, 0, 3], [0.3, -0.6])
    assert np.array_equal(A[0, 0, :, 0, 0], [0.3, 0.6])


def test_listed_modes_are_in_their_direction_and_species():
    """psi = P^x + i P^y = sum c exp(2 pi i n z/L)."""
    modes = [
        {"direction": 0, "n": 2, "re": 0.01, "im": 0.02},
        {"direction": 0, "n": -1, "re": 0.03},
        {"direction": 2, "n": 3, "im": -0.04, "species": "nu"},
        {"direction": 1, "n": -2, "re": 0.05, "im": -0.01, "species": "nubar"},
    ]
    A = filled(case_of({**BACKGROUND, **BAR, "modes": modes}))
    expected = np.zeros((CELLS, 2, 3, 2), complex)
    for s, d, n, c in (
        (0, 0, 2, 0.01 + 0.02j),
        (0, 0, -1, 0.03),
        (0, 2, 3, -0.04j),
        (1, 1, -2, 0.05 - 0.01j),
    ):
        expected[:, :, d, s] += (c * np.exp(2j * np.pi * n * Z / LENGTH))[:, None]
    assert np.abs(A[..., 1] + 1j * A[..., 2] - expected).max() < 1e-16


WAVES = [
    pytest.param({"polarization": [0.5, -0.2, -0.3]}, False, id="nu"),
    pytest.param({"polarization": [0.5, 0.2, 0.3], "polarization_bar": [0.1, 0.6, 0.2]}, True,
                 id="nubar"),
    pytest.param({"polarization": [0.5, -0.2, -0.3], "momentum_width": 1.1}, False, id="width"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "antineutrinos"), WAVES)
def test_eigenmode_is_the_fastest_wave_and_frees_its_energy(keys, antineutrinos):
    """With weights of momenta and antineutrinos: the full right-hand side turns it by -i Omega.

    Omega is that of an own matrix over modes (p, v, species), and the energy that the wave moves,
    d U_osc/dt = 4 gamma k^2 L alpha^2/mu, is that of alpha.
    """
    mu, n, alpha = 1.4, 1, 1e-4
    case = case_of({"recipe": "eigenmode", "n": n, "amplitude": alpha, **keys}, antineutrinos)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        A, rate = sim.state(), sim.rhs()
        diagnostics = Diagnostics(sim.equation, 4)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        moved = diagnostics.row(0.0, 0, sim.vec)["energy_refractive_osc_rate"]
        diagnostics.destroy()
    psi, turned = (a[..., 1] + 1j * a[..., 2] for a in (A, rate))
    moving = np.abs(psi) > 1e-3 * np.abs(psi).max()
    omega = (1j * turned / np.where(moving, psi, 1))[moving]
    assert moving.mean() > 0.5
    assert np.abs(omega - omega[0]).max() < 1e-5 * abs(omega[0])
    gamma, k = omega.imag.mean(), 2 * np.pi * n / LENGTH
    # every mode by itself: (v k - W) a + P^z mu sum w' (1 - v v') (a' - abar')
    sign = np.array([1, -1])[: A.shape[3]]
    v = np.broadcast_to(np.array(V)[:, None], A.shape[1:4]).ravel()
    w = (np.multiply.outer(WP, WV)[..., None] * sign).ravel()
    pz = A[0, ..., 3].ravel()
    coupling = mu * w * (1 - np.multiply.outer(v, v))
    matrix = np.diag(v * k - coupling @ pz) + pz[:, None] * coupling
    fastest = np.linalg.eigvals(matrix).imag.max()
    assert fastest > 0.05
    assert gamma == pytest.approx(fastest, rel=1e-5)
    assert abs(moved) == pytest.approx(4 * gamma * k**2 * LENGTH * alpha**2 / mu, rel=1e-5)


def test_momentum_width_is_a_gaussian_whose_weighted_sum_is_one():
    """sum_p w_p rho(p) is what the beams say, with rho(p) ~ exp(-p^2/2 width^2)."""
    modes = [{"direction": 0, "n": 1, "re": 0.01}, {"direction": 1, "n": 2, "im": 0.02}]
    modes.append({"direction": 2, "n": 1, "re": 0.03, "species": "nubar"})
    keys = {**BACKGROUND, **BAR, "P0": [0.9, 0.8, 0.7], "modes": modes}
    flat, A = (filled(case_of(initial)) for initial in (keys, {**keys, "momentum_width": 1.1}))
    assert np.abs(np.einsum("p,zpdsc->zdsc", WP, A) - flat[:, 0]).max() < 1e-15
    ratio = np.exp((P[0] ** 2 - P[1] ** 2) / (2 * 1.1**2))
    assert np.abs(A[:, 1] - ratio * A[:, 0]).max() < 1e-15


def test_momentum_width_counts_offsets_from_p0():
    momentum = {"directions": [-1.0, 1.0], "offset_range": [-2.0, 2.0], "offset_cells": 8}
    momentum["p0"] = 40.0
    modes = [{"direction": 0, "n": 1, "re": 0.01}]
    initial = {"recipe": "modes", "polarization": [0.5, 0.2], "modes": modes}
    A = filled(case_of({**initial, "momentum_width": 0.6}, False, momentum))
    q = -2 + 0.5 * (np.arange(8) + 0.5)
    g = np.exp(-(q**2) / (2 * 0.36))
    expected = g / (0.5 * g.sum())
    assert np.allclose(A[0, :, :, 0, 3], np.outer(expected, [0.5, 0.2]), rtol=1e-13, atol=0)


@pytest.mark.parametrize("keys", [{}, {"par": 0.6, "amp": 0.3}])
def test_tilted_is_what_its_formula_says(keys):
    width, par, amp = 0.9, keys.get("par", 0.95), keys.get("amp", 0.1)
    A = filled(case_of({"recipe": "tilted", "momentum_width": width, **keys}))
    z, p, v = Z[:, None, None], np.array(P)[:, None], np.array(V)
    G = np.exp(-(p**2) / (2 * width**2))
    e, x = G * (1 + par * v) ** 4, 0.8 * G * (1 - par * v) ** 4
    c = 1 / np.sum(np.multiply.outer(WP, WV) * (e + x))
    k = 2 * np.pi / LENGTH
    theta = amp * (np.cos(2 * k * z) + 0.6 * np.sin(3 * k * z))
    a, b = (1 + v / 2) * theta, -2 * k * z + 0.4 * np.sin(k * z)
    along = c * (e - x)
    assert np.abs(A[..., 0, 0] - c * (e + x)).max() < 1e-15
    assert np.abs(A[..., 0, 1] - along * np.sin(a) * np.cos(b)).max() < 1e-14
    assert np.abs(A[..., 0, 2] - along * np.sin(a) * np.sin(b)).max() < 1e-14
    assert np.abs(A[..., 0, 3] - along * np.cos(a)).max() < 1e-14
    assert not A[..., 1, :].any()
    density = np.einsum("p,d,zpd->z", WP, WV, A[..., 0, 0])
    assert np.abs(density - 1).max() < 1e-14


@pytest.fixture
def finished(tmp_path):
    """(fields.nc of a run with three frames, its last state)."""
    modes = [{"direction": 0, "n": 1, "re": 0.01}]
    output = {"directory": str(tmp_path / "run"), "fields_every": 0.1}
    case = case_of(
        {**BACKGROUND, **BAR, "modes": modes}, output=output, time={"end": 0.2, "step": 0.05}
    )
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        run = sim.run(quiet=True)
        return run.path / "fields.nc", sim.state()


def test_file_gives_back_the_last_frame(finished):
    path, last = finished
    A = filled(case_of({"recipe": "file", "path": str(path)}))
    assert A.tobytes() == last.tobytes()


def test_file_without_its_last_time_gives_the_frame_before(finished):
    """As after a kill: a frame whose time is not there yet is no frame."""
    import h5py

    path, last = finished
    with h5py.File(path, "r+") as file:
        assert file["time"][:] == pytest.approx([0, 0.1, 0.2])
        file["time"][2] = np.nan
        before = file["rho"][1]
    A = filled(case_of({"recipe": "file", "path": str(path)}))
    assert A.tobytes() == before.tobytes() != last.tobytes()


def test_file_of_another_grid_is_refused(finished):
    path, _ = finished
    case = case_of({"recipe": "file", "path": str(path)}, antineutrinos=False)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        with pytest.raises(CaseError, match=r"initial\.path"):
            sim._initial_state()
