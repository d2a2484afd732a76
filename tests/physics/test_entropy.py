"""The entropy of (S19-S20) is not conserved to first order; its corrected form is (a finding)."""

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke.analysis.entropy import entropies
from hpcqke.integrate import Integrator, Progress

LENGTH, TIME = 25.132741228718345, 0.2


def twisted(length: float, width: float):
    """Mixed states whose direction n in flavor space depends on z and on the momentum."""

    def rho(species, z, q, v):
        k = 2 * np.pi / length * z[:, None, None]
        x = (q / width)[None, :, None]
        g = np.exp(-(x**2) / 2) / (8 * width)
        a = 0.7 + 0.3 * np.cos(k) + 0.4 * np.tanh(x) * (1 + 0.3 * v)
        b = np.sin(2 * k) + 0.5 * x / np.sqrt(1 + x**2) * v
        across = 0.3 * g * np.sin(a) * np.exp(-1j * b)
        rho = np.zeros((z.size, q.size, v.size, 2, 2), dtype=complex)
        rho[..., 0, 0] = 0.5 * g * (0.8 + 0.3 * np.cos(a))
        rho[..., 1, 1] = 0.5 * g * (0.8 - 0.3 * np.cos(a))
        rho[..., 0, 1] = 0.5 * across
        rho[..., 1, 0] = 0.5 * across.conj()
        return rho

    return rho


def drifts(stretch: float) -> tuple[float, float]:
    """(dS/dt)/S and (dS_corr/dt)/S in a box and a spectrum ``stretch`` times as wide."""
    length, width = LENGTH * stretch, 5.0 * stretch
    settings = {
        "grid.z.length": length,
        "grid.z.cells": 128,
        "grid.momentum.offset_range": [-8 * width, 8 * width],
        "grid.momentum.offset_cells": 128,
        "grid.momentum.p0": 400.0,
        "terms.gradient.order": 4,
        "initial.momentum_width": width,
        "time.step": 0.01,
    }
    case = hpcqke.load_case("gradient", settings)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(twisted(length, width))
        ps, unit = sim.ps, 7.2 * width
        run = Integrator(case.time, ps, sim.equation, lambda now, vec: False)
        now = Progress(0.0, 0, run.first_step, 0.0)
        run.begin(now, sim.vec)

        def measured():
            rho = unit * sim.state()[:, :, :, 0]
            return np.array(entropies(rho, ps.z.dz, ps.momentum.p, ps.momentum.v))

        before = measured()
        run.advance(TIME)
        after = measured()
        run.destroy()
    return tuple((after - before) / before[0] / TIME)


def test_corrected_entropy_drifts_at_second_order_only(figure):
    """Stretching both the box and the spectrum by two: S_corr's drift falls by 16."""
    plain, corrected = np.array([drifts(s) for s in (1.0, 2.0, 4.0)]).T
    slopes = -np.diff(np.log(np.abs(corrected))) / np.log(2)
    figure("entropy", f"dS/S {plain}, corrected {corrected}, slopes {slopes} (4)")
    assert np.all(np.abs(slopes - 4) < 0.1)
    assert np.all(np.abs(plain) > 5 * np.abs(corrected))
