"""Splitting integrators: acceptance rows, orders, agreement with Runge-Kutta, what they keep."""

import fast_flavor_box as box
import numpy as np
import pytest
from boxes import at, finished, steps
from mpi4py import MPI
from test_two_beam import U_TB1, worst

import hpcqke
from hpcqke import state
from hpcqke.case import make_case
from hpcqke.diagnostics import Diagnostics
from hpcqke.errors import CaseError
from hpcqke.integrate import Integrator, Progress
from hpcqke.splitting import HALVES

ORDER = {"bm4": 4, "bm6": 6}
STEPS = {"bm4": (0.1, 0.05), "bm6": (0.2, 0.1)}


def final(name: str, integrator: str, step: float, cells: int, **settings) -> np.ndarray:
    """rho at the end of a run that writes nothing on the way."""
    keys = {**steps(cells, step, 5.0, integrator), **settings}
    return finished(name, **keys).fields.rho.isel(time=-1).values


@pytest.mark.parametrize("name", ["two_beam_modes", "multi_beam"])
@pytest.mark.parametrize("integrator", HALVES)
def test_order_in_time(integrator, name, figure):
    """Two beams turn exactly, four by a series: the order is that of the splitting."""
    exact = final(name, "bm6", 0.02, 512)
    errors = [np.abs(final(name, integrator, h, 512) - exact).max() for h in STEPS[integrator]]
    slope = np.log2(errors[0] / errors[1])
    figure(f"{integrator} {name}", f"slope {slope:.2f} ({ORDER[integrator]}), {errors[1]:.1e}")
    assert abs(slope - ORDER[integrator]) < 0.35


def test_agreement_with_runge_kutta(figure):
    """TB1, MB1 at t = 5 against finite differences of eighth order and rk5dp."""
    for name in ("two_beam_modes", "multi_beam"):
        other = final(name, "rk5dp", 0.01, 1024)[::2]
        error = np.abs(final(name, "bm6", 0.1, 512) - other).max()
        figure(f"bm6 and rk5dp, {name}", f"{error:.1e} (tol 1e-6)")
        assert error < 1e-6


VACUUM = {
    2: {"mass_splittings": [1.1], "theta": 0.3},
    3: {"mass_splittings": [0.4, 1.1], "theta12": 0.5, "theta13": 0.2, "theta23": 0.7}
    | {"delta_cp": 1.0},
}


def everything(flavors: int, integrator: str, cells: int, step: float):
    """rho at t = 2: density waves, nu and nubar, two momenta, vacuum, matter, five directions."""
    case = make_case(
        {
            "name": "everything",
            "grid": {
                "z": {"length": 10.0, "cells": cells},
                "momentum": {"rule": "gauss-legendre", "count": 5, "momenta": [1.0, 2.0]},
            },
            "flavors": {"count": flavors, "antineutrinos": True},
            "terms": {
                "advection": {},
                "self_interaction": {"mu": 0.7},
                "vacuum": VACUUM[flavors],
                "matter": {"profile": "cosine", "amplitude": 0.6, "wave_number": 1},
            },
            "initial": {
                "recipe": "modes",
                "polarization": [0.5] * 5,
                "modes": [{"direction": 0, "n": 1}],
            },
            "time": {"end": 2.0, "integrator": integrator, "step": step},
            "output": {"directory": "never-used"},
        }
    )

    def waves(species, z, momentum, direction):
        z, p, v = (x[..., None, None] for x in np.meshgrid(z, momentum, direction, indexing="ij"))
        i, j = np.arange(flavors)[:, None], np.arange(flavors)[None, :]
        phase = 0.2 * np.pi * z * (1 + abs(i - j)) + 0.4 * (species == "nubar") + 0.3 * v
        real = 0.1 * np.cos(phase + 0.5 * (i + j)) / p
        return real + 0.05j * np.sin(phase) * np.sign(j - i) + np.eye(flavors) * (0.4 - 0.2 * i)

    return advanced(case, waves, [2.0], lambda sim, t: sim.state())[0]


@pytest.mark.parametrize("flavors", [2, 3])
def test_everything_agrees_with_runge_kutta(flavors, figure):
    """Traces that move, species, momenta, vacuum and matter at once."""
    other = everything(flavors, "rk5dp", 256, 0.02)[::4]
    found = everything(flavors, "bm6", 64, 0.1)
    error = np.abs(found - other).max()
    figure(f"bm6 and rk5dp, everything, {flavors} flavors", f"{error:.1e} (tol 1e-6)")
    assert error < 1e-6


def test_energy_and_state_of_two_beams(figure):
    """P3, P3b: U_osc of TB1, and P at t = 20, z = 0."""
    run = finished("two_beam_modes", **steps(512, 0.125, 20.0, "bm6"))
    first = worst(run, {t: u for t, u in U_TB1.items() if t <= 15})
    last = worst(run, {20: U_TB1[20]})
    plus, minus = run.fields.rho.isel(time=-1, momentum=0, species=0).sel(z=0.0).values
    found = np.array([*plus[1:], minus[3]])
    end = np.abs(found - [-0.06272534, 0.05873101, 0.49352570, -0.44312358]).max()
    figure("P3 bm6", f"t<=15 {first:.1e} (1e-6), t=20 {last:.1e} (1e-5), P {end:.1e} (1e-5)")
    assert first < 1e-6
    assert last < 1e-5
    assert end < 1e-5


def test_energy_of_four_beams(figure):
    """P8."""
    run = finished("multi_beam", **steps(400, 0.125, 15.0, "bm6"))
    table = {2: -5.8542601092, 5: 4.5382398019, 10: 2.6780441684, 15: 1.5818200620}
    error = max(abs(at(run, "energy_refractive_osc", t) - u) for t, u in table.items())
    figure("P8 bm6", f"max |U - U_ref| {error:.1e} (tol 1e-5)")
    assert error < 1e-5


def three_flavors(species, z, momentum, direction) -> np.ndarray:
    """3F1."""
    rho = np.zeros((z.size, 1, 2, 3, 3), dtype=complex)
    rho[:, 0, 0], rho[:, 0, 1] = np.diag([0.5, 0.02, 0.05]), np.diag([0.03, 0.45, 0.1])
    for s, i, j, n, c in (
        (0, 0, 1, 3, 0.02),
        (0, 0, 2, 2, 0.015j),
        (1, 1, 2, 1, 0.01),
        (1, 0, 1, 4, 0.005 + 0.01j),
        (0, 1, 2, 1, 0.01),
    ):
        wave = c * np.exp(2j * np.pi * n * z / (8 * np.pi))
        rho[:, 0, s, i, j] += wave
        rho[:, 0, s, j, i] += wave.conj()
    return rho


def advanced(case, initial, times, look):
    """``look(sim, t)`` at the times of a run that writes no files."""
    found = []
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(initial)
        run = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        run.begin(Progress(0.0, 0, run.first_step, 0.0), sim.vec)
        for t in times:
            run.advance(float(t))
            found.append(look(sim, t))
        run.destroy()
    return found


def test_three_flavors(figure):
    """P9, P9b: U_osc of 3F1, and rho_ee, rho_mumu, rho_tautau of beam + at t = 15, z = 0."""
    settings = {"flavors.count": 3, "grid.z.cells": 400, "time.integrator": "bm6"}
    settings |= {"time.step": 0.125, "time.end": 15.0}
    case = hpcqke.load_case("two_beam_modes", settings)
    table = {2: -3.695948571, 5: 3.566159260, 10: 3.759878233, 15: -2.338409993}

    def look(sim, t):
        diagnostics = Diagnostics(sim.equation, 8)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        energy = float(diagnostics.row(t, 0, sim.vec)["energy_refractive_osc"])
        diagnostics.destroy()
        return energy, sim.state()[200, 0, 0, 0, :3].copy()

    found = advanced(case, three_flavors, table, look)
    error = max(abs(u - ref) for (u, _), ref in zip(found, table.values(), strict=True))
    end = np.abs(found[-1][1] - [0.437243291, 0.026118475, 0.106638234]).max()
    figure("P9 bm6", f"U {error:.1e} (tol 1e-5), rho {end:.1e} (1e-5)")
    assert error < 1e-5
    assert end < 1e-5


def test_oscillations_in_vacuum_and_matter(figure):
    """P12: one cell, theta = .3, dm2 = 8, p = 10, lambda = .25, t = 7."""
    case = make_case(
        {
            "name": "msw",
            "grid": {
                "z": {"length": 1.0, "cells": 1},
                "momentum": {"directions": [1.0], "momenta": [10.0]},
            },
            "flavors": {"antineutrinos": True},
            "terms": {
                "vacuum": {"mass_splittings": [8.0], "theta": 0.3},
                "matter": {"potential": 0.25},
            },
            "initial": {
                "recipe": "modes",
                "polarization": [1.0],
                "polarization_bar": [1.0],
                "modes": [{"direction": 0, "n": 0}],
            },
            "time": {"end": 7.0, "integrator": "bm6", "step": 0.05},
            "output": {"directory": "never-used"},
        }
    )

    def electron(species, z, momentum, direction):
        return np.broadcast_to(np.diag([1.0 + 0j, 0]), (1, 1, 1, 2, 2))

    [rho] = advanced(case, electron, [7.0], lambda sim, t: sim.state()[0, 0, 0])
    error = np.abs(state.occupations(rho)[:, 0] - [0.508580658769, 0.911343406182]).max()
    figure("P12 bm6", f"{error:.1e} (tol 1e-9)")
    assert error < 1e-9


@pytest.mark.parametrize(("name", "kept"), [("two_beam_modes", 1e-13), ("multi_beam", 1e-11)])
def test_what_a_step_keeps(name, kept, figure):
    """|P| to rounding, whatever the step; flavor to rounding for two beams, else to O(h^6)."""
    run = finished(name, **steps(800, 0.25, 5.0, "bm6"))
    flavor = run.series.flavor_matrix.values[:, 0]
    drift = np.abs(flavor - flavor[0]).max() / np.abs(flavor[0]).max()
    norm = float(run.series.polarization_norm_error.max())
    figure(f"bm6 keeps, {name}", f"flavor {drift:.1e}, int P^2 {norm:.1e} (tol 1e-13)")
    assert drift < kept
    assert norm < 1e-13


def test_waves_that_resonate_with_the_steps(figure):
    """Short waves of TB1 at t = 60: damped where steps keep to `longest_step`, grown beyond."""
    share = {}
    for cells in (180, 640):
        rho = final("two_beam_modes", "bm6", 0.4, cells, time__end=60.0, output__fields_every=60.0)
        psi = np.abs(np.fft.fft(rho[..., 1] + 1j * rho[..., 2], axis=0)) / cells
        k = np.abs(np.fft.fftfreq(cells))
        share[cells] = psi[k > 0.25].max()
    figure("resonance", f"3 cells a step {share[180]:.1e} (< 1e-6), 10 cells {share[640]:.1e}")
    assert share[180] < 1e-6
    assert share[640] > 1e-4


def test_a_step_that_resonates_is_warned_of(tmp_path):
    """Once, at the start; not at the shorter step."""
    for step, lines in ((0.4, 1), (0.25, 0)):
        folder = tmp_path / str(step)
        settings = {"time.step": step, "time.end": 1.0, "time.integrator": "bm6"}
        settings |= {"grid.z.cells": 256, "output.directory": str(folder)}
        with hpcqke.Simulation(hpcqke.load_case("two_beam_modes", settings)) as sim:
            sim.run(quiet=True)
        log = (folder / "run.log").read_text()
        assert log.count("warning: steps of") == lines


def test_petsc_has_no_such_steps():
    """Its own type asked for beside a splitting: a line says so."""
    settings = {"time.integrator": "bm6", "time.step": 0.1, "time.end": 1.0}
    case = hpcqke.load_case("two_beam_modes", settings)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        with pytest.raises(CaseError, match=r"\"bm6\": not with -ts_type"):
            Integrator(case.time, sim.ps, sim.equation, lambda *_: False, ["-ts_type", "rk"])


def test_the_fast_flavor_box(figure):
    """<P_ee>, <Pbar_ee> against the converged values, at the setting that README recommends."""
    case = box.case_of(96, "bm6", 4.0)
    times = np.arange(100, box.END + 1, 100)
    values = advanced(case, box.state, times, lambda sim, t: box.survival(sim.state()))
    found = dict(zip(times, values, strict=True))
    error = max(np.abs(found[t] - ref).max() for t, ref in box.CONVERGED.items())
    figure("fast-flavor box, bm6 96 x 4", f"max |P - P_ref| {error:.1e} (tol 1e-6)")
    assert error < 1e-6
