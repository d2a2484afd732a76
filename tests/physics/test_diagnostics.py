"""Every column of series.nc against the matrices of `columns`, and those that need a run."""

import numpy as np
import pytest
import xarray as xr
from columns import CELLS, DZ, LENGTH, MU, P, V, W, case_of, components, expected, slope_z, smooth
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case
from hpcqke.diagnostics import Diagnostics


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
