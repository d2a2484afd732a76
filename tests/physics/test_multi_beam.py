"""Four beams (MB1): P8 and P8b."""

import numpy as np
from boxes import at, finished, steps

import hpcqke
from hpcqke.analysis.linear import LinearSystem


def test_energy_of_four_beams(figure):
    """P8: U_osc in the nonlinear phase."""
    run = finished("multi_beam", **steps(256, 0.05, 15.0))
    table = {2: -5.8542601092, 5: 4.5382398019, 10: 2.6780441684, 15: 1.5818200620}
    error = max(abs(at(run, "energy_refractive_osc", t) - u) for t, u in table.items())
    figure("P8", f"max |U - U_ref| {error:.1e} (tol 1e-5)")
    assert error < 1e-5


def test_growth_rates_of_four_beams(figure):
    """P8b: the linearised equations of the case itself."""
    case = hpcqke.load_case("multi_beam")
    v = np.array(case.grid.momentum.directions)
    system = LinearSystem(v, np.ones(4), np.array(case.initial.polarization), 1.0)
    k = 2 * np.pi * np.array([-1, -2, -3, -4]) / case.grid.z.length
    gamma, _ = system.growth(k)
    error = np.abs(gamma - [0.614440166705, 0.822524912413, 0.932409884555, 0.976727142106]).max()
    figure("P8b", f"max error {error:.1e} (tol 1e-6)")
    assert error < 1e-6
