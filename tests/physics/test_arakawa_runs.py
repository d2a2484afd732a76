"""The matrix-Arakawa form beside the split form: on the axis, and in whole runs."""

import numpy as np
import pytest
from boxes import finished
from mpi4py import MPI
from test_arakawa import changed
from test_bracket_energy import case_of, smooth

import hpcqke


def moments_on_axis(form: str, cells: int) -> list[np.ndarray]:
    """sum_p q^n d_t rho of each beam for n = 0, 1 (z, direction, species, component)."""
    settings = {"grid.z.cells": cells, "terms.vacuum": None}
    case = changed(case_of("on axis", 2, True, {"form": form}), settings)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(smooth(2))
        weight, q = sim.ps.momentum.weight, sim.ps.momentum.p
        return [np.einsum("pd,p,zpdsc->zdsc", weight, q**n, sim.rhs()) for n in (0, 1)]


def test_forms_agree_on_the_axis(figure):
    """Flavor is the same to rounding, the force up to J2's product rule: order 8 in dz."""
    errors = []
    for cells in (24, 48, 96):
        pairs = zip(moments_on_axis("arakawa", cells), moments_on_axis("split", cells), strict=True)
        errors.append([np.abs(a - b).max() / np.abs(b).max() for a, b in pairs])
    flavor, force = np.transpose(errors)
    orders = np.log2(force[:-1] / force[1:])
    figure("Arakawa on the axis", f"flavor {flavor.max():.1e}, force {force}, orders {orders}")
    assert flavor.max() < 1e-14
    assert np.all(orders > 7)


def summary(run) -> tuple[float, float, float]:
    """(Delta U at the end, max |Delta E|/max |Delta U|, max drift of Tr rho^2)."""
    series = run.series
    refractive = series.energy_refractive - series.energy_refractive[0]
    total = abs(series.energy_total - series.energy_total[0]).max()
    square = abs(series.trace_rho_squared / series.trace_rho_squared[0] - 1).max()
    return float(refractive[-1]), float(total / abs(refractive).max()), float(square)


@pytest.mark.parametrize("relaxation", [True, False])
def test_axisymmetric_run(relaxation, figure):
    """AX1 with bins fine enough: both forms agree, and only one drifts in Tr rho^2."""
    settings = {
        "grid__momentum__offset_cells": 48,
        "output__series_every": 1.0,
        "time__relaxation": relaxation,
    }
    split = summary(finished("axisymmetric", **settings))
    found = summary(finished("axisymmetric", **settings, terms__gradient__form="arakawa"))
    figure(
        f"AX1 Arakawa, relaxation {relaxation}",
        f"dU {found[0]:.6f}, split {split[0]:.6f}; ledger {found[1]:.1e}; "
        f"Tr rho^2 {found[2]:.1e}, split {split[2]:.1e}",
    )
    assert abs(found[0] - split[0]) < 1e-3
    assert found[2] < 1e-2 * split[2]
    assert found[1] < (1e-12 if relaxation else 1e-8)


def test_two_beams_with_momenta(figure):
    """GR1 to t = 5: U is that of the split form, and the ledger closes."""
    settings = {"time__end": 5.0, "output__series_every": 1.0, "output__fields_every": 5.0}
    split = summary(finished("gradient", **settings))
    found = summary(finished("gradient", **settings, terms__gradient__form="arakawa"))
    figure("GR1 Arakawa", f"dU {found[0] - split[0]:.1e} from split, ledger {found[1]:.1e}")
    assert abs(found[0] - split[0]) < 1e-10
    assert found[1] < 1e-12
