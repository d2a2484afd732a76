"""Every column of series.nc against complex matrices in NumPy, pair by pair and mode by mode.

The reference shares no code with hpcqke.diagnostics: natural arrays rho[species, z, momentum,
direction, N_f, N_f], double sums over pairs of modes, np.roll, matrix products, eigvalsh, explicit
Fourier sums. No two weights are equal, rho depends on everything, and both species are there.
"""

import numpy as np
import pytest
import xarray as xr
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case
from hpcqke.diagnostics import Diagnostics

CELLS, LENGTH, MU = 16, 5.0, 1.3
V, WV = np.array([-0.9, -0.2, 0.4, 1.0]), np.array([0.3, 0.7, 1.1, 0.5])
P, WP = np.array([0.6, 1.0, 1.7]), np.array([0.8, 0.25, 1.4])
LAMBDA, WAVE, NEUTRONS = 0.7, 0.3, 0.4
SPLITTINGS = {2: [2.5], 3: [0.5, -2.5]}
ANGLES = {2: {"theta": 0.3}, 3: dict(theta12=0.6, theta13=0.15, theta23=0.8, delta_cp=4.0)}
Z = -LENGTH / 2 + LENGTH / CELLS * np.arange(CELLS)
W = WP[:, None] * WV
DZ = LENGTH / CELLS


def case_of(flavors: int):
    momentum = {"directions": V.tolist(), "weights": WV.tolist()}
    momentum |= {"momenta": P.tolist(), "momenta_weights": WP.tolist()}
    matter = {"profile": "cosine", "potential": LAMBDA, "amplitude": WAVE, "wave_number": 1}
    return make_case(
        {
            "name": "columns",
            "grid": {"z": {"length": LENGTH, "cells": CELLS}, "momentum": momentum},
            "flavors": {"count": flavors, "antineutrinos": True},
            "terms": {
                "advection": {"order": 4},
                "self_interaction": {"mu": MU},
                "matter": {**matter, "neutrons_per_electron": NEUTRONS},
                "vacuum": {"mass_splittings": SPLITTINGS[flavors], **ANGLES[flavors]},
            },
            "initial": {
                "recipe": "modes",
                "polarization": [0.1] * V.size,
                "modes": [{"direction": 0, "n": 1, "re": 0.01}],
            },
            "time": {"end": 1.0},
            "output": {"spectrum_modes": 5},
        }
    )


def smooth(flavors: int, seed: int) -> np.ndarray:
    """rho (species, z, momentum, direction, N_f, N_f) with 0 < rho < 1: three harmonics in z."""
    draw = np.random.default_rng(seed)
    shape = (2, 1, P.size, V.size, flavors, flavors)
    rho = 0
    for n in range(4):
        for wave in (np.cos, np.sin):
            a = draw.normal(size=shape) + 1j * draw.normal(size=shape)
            angle = 2 * np.pi * n / LENGTH * Z[:, None, None, None, None]
            rho = rho + wave(angle) * (a + a.conj().swapaxes(-1, -2)) / (1 + n)
    size = np.abs(np.linalg.eigvalsh(rho)).max()
    return 0.5 * (np.eye(flavors) + 0.93 * rho / size)


def row_of(flavors: int, start: np.ndarray, now: np.ndarray, t: float = 0.4) -> dict:
    """The row of the state ``now`` of a run that began with ``start``."""
    case = case_of(flavors)

    def state(rho):
        return lambda species, *_: rho[("nu", "nubar").index(species)]

    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        diagnostics = Diagnostics(sim.equation, case.output.spectrum_modes)
        sim.set_state(state(start))
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        sim.set_state(state(now))
        row = diagnostics.row(t, 7, sim.vec)
        diagnostics.destroy()
        return row


# -- the reference --------------------------------------------------------------------------


def trace(a):
    return np.trace(a, axis1=-2, axis2=-1).real


def components(a):
    """P0, P of N_f = 2; the entries of the upper triangle of N_f = 3."""
    if a.shape[-1] == 2:
        sigma = [np.eye(2), [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]
        return np.stack([trace(a @ np.array(s)) for s in sigma], axis=-1)
    upper = [f(a[..., i, j]) for i, j in ((0, 1), (0, 2), (1, 2)) for f in (np.real, np.imag)]
    return np.stack([*(a[..., i, i].real for i in range(3)), *upper], axis=-1)


def psi(a):
    """2 conj(rho_ij) of the pairs of flavors, the last axis."""
    n = a.shape[-1]
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return np.stack([2 * a[..., i, j].conj() for i, j in pairs], axis=-1)


def pairs(a, b, trace_part, factor=lambda v, u: 1 - v * u):
    """int sum_mm' w w' factor(v, v') [Tr a_m b_m' + trace_part Tr a_m Tr b_m'] dz."""
    total = 0.0
    for i, p, j, q in np.ndindex(V.size, P.size, V.size, P.size):
        A, B = a[:, p, i], b[:, q, j]
        product = trace(A @ B) + trace_part * trace(A) * trace(B)
        total += W[p, i] * W[q, j] * factor(V[i], V[j]) * product.sum() * DZ
    return total


def slope_z(a):
    """Fourth-order central difference along z, the first axis."""
    return (8 * (np.roll(a, -1, 0) - np.roll(a, 1, 0)) - np.roll(a, -2, 0) + np.roll(a, 2, 0)) / (
        12 * DZ
    )


def hamiltonians(flavors: int):
    """(vacuum of each momentum, matter of each z without and with neutral currents)."""
    if flavors == 2:
        c, s = np.cos(0.3), np.sin(0.3)
        U = np.array([[c, s], [-s, c]], complex)
    else:
        (s12, s13, s23), (c12, c13, c23) = (f([0.6, 0.15, 0.8]) for f in (np.sin, np.cos))
        phase = np.exp(-4.0j)
        U = np.array([[1, 0, 0], [0, c23, s23], [0, -s23, c23]]) @ np.array(
            [[c13, 0, s13 * phase], [0, 1, 0], [-s13 * phase.conj(), 0, c13]]
        )
        U = U @ np.array([[c12, s12, 0], [-s12, c12, 0], [0, 0, 1]])
    H = U @ np.diag([0, *SPLITTINGS[flavors]]) @ U.conj().T / (2 * P[:, None, None])
    size = LAMBDA + WAVE * np.cos(2 * np.pi * Z / LENGTH)
    electrons = np.zeros((flavors, flavors))
    electrons[0, 0] = 1
    V_e = size[:, None, None] * electrons
    return H, V_e, V_e - 0.5 * NEUTRONS * size[:, None, None] * np.eye(flavors)


def rate_of(rho):
    """d rho/dt: -v D_z rho - i [mu sum_m' w' (1 - v v') D_m' + V +- H, rho]."""
    flavors = rho.shape[-1]
    H, V_e, _ = hamiltonians(flavors)
    D = rho[0] - rho[1]
    rate = np.zeros_like(rho)
    for s, sign in enumerate((1, -1)):
        for p, i in np.ndindex(P.size, V.size):
            omega = V_e + sign * H[p]
            for q, j in np.ndindex(P.size, V.size):
                omega = omega + MU * W[q, j] * (1 - V[i] * V[j]) * D[:, q, j]
            here = rho[s, :, p, i]
            rate[s, :, p, i] = -V[i] * slope_z(here) - 1j * (omega @ here - here @ omega)
    return rate


def expected(start, now, t=0.4):
    """Every column of the row but growth_rate."""
    n = now.shape[-1]
    D, D_rate = now[0] - now[1], rate_of(now)
    D_rate, D_z = D_rate[0] - D_rate[1], slope_z(D)
    H, _, V_full = hamiltonians(n)
    per_mode = now.sum(axis=1) * DZ  # species, momentum, direction, N_f, N_f
    content = trace(per_mode)
    direction = np.einsum("p,pd,spd->ds", P, W, content)
    lam = np.linalg.eigvalsh(now)
    M, F = (np.einsum("pd,zpdij->zij", W * u, D) for u in (np.ones(4), V))
    k = 2 * np.pi * np.arange(-5, 6) / LENGTH
    fourier = np.exp(-1j * k[:, None] * Z) / CELLS
    energies = {
        "energy_kinetic": sum(
            P[p] * W[p, d] * content[s, p, d] for s, p, d in np.ndindex(content.shape)
        ),
        "energy_refractive": 0.5 * MU * pairs(D, D, 1.0),
        "energy_vacuum": np.einsum("pd,pij,spdji->", W, H, per_mode).real,
        "energy_matter": np.einsum("pd,zij,zpdji->", W, V_full, D).real * DZ,
        "energy_u1": 0.0,  # Eq. (18) is off; test_eq18 has its reference
        "energy_given_rate": 0.0,  # nothing depends on time; test_profiles has its reference
    }
    return energies | {
        "time": t,
        "step": 7,
        "number": np.einsum("pd,spd->s", W, content),
        "flavor_matrix": components(np.einsum("pd,spdij->sij", W, per_mode)),
        "energy_kinetic_direction": direction,
        "energy_kinetic_rate": 0.0,
        "momentum_z": np.einsum("d,ds->", V, direction),
        "occupation": np.moveaxis(content, 0, 2),
        "energy_refractive_osc": 0.5 * MU * pairs(D, D, -1 / n),
        "energy_refractive_osc_rate": -MU * pairs(D, D_z, -1 / n, lambda v, u: u * (1 - v * u)),
        "energy_refractive_osc_rate_measured": MU * pairs(D, D_rate, -1 / n),
        "energy_total": sum(energies.values()),
        "entropy": -np.einsum("pd,szpdi->", W, lam * np.log(lam) + (1 - lam) * np.log(1 - lam))
        * DZ,
        "eigenvalue_min": lam.min(),
        "eigenvalue_max": lam.max(),
        "trace_rho_squared": np.einsum("pd,szpdij,szpdji->s", W, now, now).real * DZ,
        "polarization_norm_error": np.abs(length2(now) / length2(start) - 1).max(),
        "survival": survival_of(start, now),
        "off_diagonal_rms": np.sqrt(
            np.einsum("pd,szpdq->", W, np.abs(psi(now)) ** 2) * DZ / (W.sum() * LENGTH * 2)
        ),
        "spectrum": np.stack([np.abs(fourier @ psi(x)).T for x in (M, F)]),
    }


def length2(rho):
    """int [Tr rho^2 - (Tr rho)^2/N_f] dz of every mode."""
    return (trace(rho @ rho) - trace(rho) ** 2 / rho.shape[-1]).sum(axis=1)


def survival_of(start, now):
    n = start.shape[-1]
    before, after = (np.einsum("szpdii->spdi", rho).real for rho in (start, now))
    result = np.full((2, n), np.nan)
    for s in range(2):
        left, there = np.zeros(n), np.zeros(n)
        for p, d in np.ndindex(W.shape):
            a = int(np.argmax(before[s, p, d]))
            left[a] += W[p, d] * after[s, p, d, a]
            there[a] += W[p, d] * before[s, p, d, a]
        result[s, there > 0] = (left / np.where(there > 0, there, 1))[there > 0]
    return result


# -- the tests ------------------------------------------------------------------------------


@pytest.mark.parametrize("flavors", [2, 3])
def test_every_column_is_that_of_the_matrices(flavors, figure):
    start, now = smooth(flavors, 1), smooth(flavors, 2)
    row, reference = row_of(flavors, start, now), expected(start, now)
    assert set(row) == set(reference)
    worst = 0.0
    for name, value in reference.items():
        found, value = np.asarray(row[name]), np.asarray(value)
        assert found.shape == value.shape, name
        assert np.isfinite(value).any(), name
        assert np.array_equal(np.isnan(found), np.isnan(value)), name
        error = np.nanmax(np.abs(found - value))
        assert error <= 2e-13 * max(1e-3, np.nanmax(np.abs(value))), name
        worst = max(worst, error)
    figure(f"columns, N_f = {flavors}", f"{len(row)} columns, largest difference {worst:.1e}")
    nothing = {"energy_kinetic_rate", "energy_u1", "energy_given_rate"}
    assert all(np.any(np.abs(reference[name]) > 1e-4) for name in set(reference) - nothing)


def test_refractive_energy_of_two_flavors_is_that_of_polarizations():
    """Eq. (5): (mu/2) sum sum (1 - v v') [(3/2) P0 P0' + (1/2) P.P'];  U_osc has (1/2) P.P'."""
    now = smooth(2, 3)
    row = row_of(2, now, now)
    c = components(now[0] - now[1])
    full = osc = 0.0
    for p, i in np.ndindex(W.shape):
        for q, j in np.ndindex(W.shape):
            a, b = c[:, p, i], c[:, q, j]
            inner = 0.5 * (a[:, 1:] * b[:, 1:]).sum()
            factor = 0.5 * MU * W[p, i] * W[q, j] * (1 - V[i] * V[j]) * DZ
            full += factor * (1.5 * (a[:, 0] * b[:, 0]).sum() + inner)
            osc += factor * inner
    assert row["energy_refractive"] == pytest.approx(full, rel=1e-12)
    assert row["energy_refractive_osc"] == pytest.approx(osc, rel=1e-12)


@pytest.mark.parametrize("flavors", [2, 3])
def test_one_changed_mode_anywhere_shows_in_the_polarization_norm(flavors):
    start = smooth(flavors, 4)
    assert row_of(flavors, start, start)["polarization_norm_error"] < 1e-15
    shrink = np.eye(flavors) / 2
    for mode in ((0, 0, 0), (0, 2, 1), (1, 1, 3), (1, 2, 3)):
        now, (s, p, d) = start.copy(), mode
        now[s, :, p, d] = shrink + 0.9 * (start[s, :, p, d] - shrink)
        error = row_of(flavors, start, now)["polarization_norm_error"]
        assert error == pytest.approx(1 - 0.81, rel=1e-12)


def test_survival_is_not_a_number_where_no_mode_started():
    """All start as the first flavor; a third of it is left in one mode only."""
    start = np.zeros((2, CELLS, P.size, V.size, 2, 2), complex)
    start[..., 0, 0] = 0.6
    now = start.copy()
    now[0, :, 2, 1, 0, 0] = 0.2
    found = row_of(2, start, now)["survival"]
    assert np.isnan(found[:, 1]).all()
    assert found[0, 0] == pytest.approx(1 - 2 / 3 * W[2, 1] / W.sum(), rel=1e-13)
    assert found[1, 0] == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("rule", [{"directions": [-1.0, 1.0]}, {"rule": "uniform", "count": 4}])
def test_kinetic_rate_is_the_sum_over_pairs(rule):
    """Eq. (22): dK/dt = mu int [B(F2, d_z F) - B(F, d_z M)], B(a,b) = Tr ab + Tr a Tr b."""
    case = make_case(
        {
            "name": "kinetic",
            "grid": {
                "z": {"length": LENGTH, "cells": CELLS},
                "momentum": {**rule, "offset_range": [-1.0, 1.0], "offset_cells": 6, "p0": 30.0},
            },
            "flavors": {"count": 2, "antineutrinos": False},
            "terms": {"advection": {"order": 4}, "self_interaction": {"mu": MU}, "gradient": {}},
            "initial": {"recipe": "tilted", "momentum_width": 0.3, "amp": 1.0},
            "time": {"end": 1.0, "step": 0.1},
        }
    )
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        grid = sim.ps.momentum
        diagnostics = Diagnostics(sim.equation, 3)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        row = diagnostics.row(0.0, 0, sim.vec)
        diagnostics.destroy()
        c = sim.state()[..., 0, :]
    per_v = np.einsum("p,zpdc->zdc", grid.p_weight, c)
    slopes, total = slope_z(per_v), 0.0
    for i, j in np.ndindex(grid.v.size, grid.v.size):
        a, b = per_v[:, i], slopes[:, j]
        B = 1.5 * a[:, 0] * b[:, 0] + 0.5 * (a[:, 1:] * b[:, 1:]).sum(axis=-1)
        w = grid.v_weight[i] * grid.v_weight[j]
        total -= MU * DZ * w * grid.v[i] * (1 - grid.v[i] * grid.v[j]) * B.sum()
    assert abs(total) > 1e-6
    assert row["energy_kinetic_rate"] == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("window", [None, [0.45, 1.65]])
def test_growth_rate_is_the_slope_of_the_logarithm(window, tmp_path):
    """Of the last 8 rows, or of the rows of the window: polyfit's, at every row."""
    settings = {
        "grid.z.cells": 32,
        "time.end": 2.0,
        "output.directory": str(tmp_path / "run"),
        "output.series_every": 0.1,
    }
    if window:
        settings["output.growth_window"] = window
    case = hpcqke.load_case("two_beam_modes", settings)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        run = sim.run(quiet=True)
    with xr.open_dataset(run.path / "series.nc", engine="h5netcdf") as ds:
        t, size, found = (ds[x].values for x in ("time", "off_diagonal_rms", "growth_rate"))
    assert t.size == 21
    assert np.ptp(np.diff(np.log(size))) > 1e-3  # the slope is another one everywhere
    for i in range(t.size):
        use = np.arange(max(0, i - 7), i + 1)
        if window:
            use = np.flatnonzero((t[: i + 1] >= window[0]) & (t[: i + 1] <= window[1]))
        if use.size < 2:
            assert np.isnan(found[i])
        else:
            slope = np.polyfit(t[use], np.log(size[use]), 1)[0]
            assert found[i] == pytest.approx(slope, rel=1e-9, abs=1e-12)
