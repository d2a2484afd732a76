"""Growth rates measured in runs of single eigenmodes (P1, P1b)."""

import numpy as np
import pytest
from boxes import finished

from hpcqke.analysis.linear import central_wavenumber, two_beam_growth

P1 = {-1: 0.3488780079, -8: 0.8675527514, -16: 0.9999859037, -24: 0.8613780201, -31: 0.3189027417}
P1B = {-2: 0.2748382165, -8: 0.7698362011, -15: 0.9147082573, -24: 0.7628709546, -30: 0.2384399294}


def measured(n: int, zetas: tuple[float, float], cells: int, order: int) -> float:
    """Slope of ln|psi_k| over a run of the eigenmode n, which grows from 1e-9."""
    run = finished(
        "eigenmode",
        grid__z__length=100.0,
        grid__z__cells=cells,
        terms__advection__order=order,
        initial__n=n,
        initial__amplitude=1e-9,
        initial__zeta_plus=zetas[0],
        initial__zeta_minus=zetas[1],
        time__integrator="rk8vr",
        time__step=0.05,
        time__end=9.0,
        output__series_every=0.5,
        output__fields_every=9.0,
    )
    psi = run.series.spectrum.isel(pair=0).sel(k=2 * np.pi * n / 100.0, method="nearest")
    size = np.sqrt((psi**2).sum("moment").values)
    # A coarse grid's eigenmode is a little different: fit where the growing part has won.
    return float(np.polyfit(run.series.time.values[12:], np.log(size[12:]), 1)[0])


@pytest.mark.parametrize(
    ("zetas", "table"), [((0.5, -0.5), P1), ((0.7, -0.3), P1B)], ids=["P1", "P1b"]
)
def test_growth_rates(zetas, table, figure, request):
    """FD8 with 1024 cells: the continuum's growth rates."""
    error = max(abs(measured(n, zetas, 1024, 8) - g) for n, g in table.items())
    figure(request.node.callspec.id, f"max |gamma - theory| {error:.1e} (tol 1e-6)")
    assert error < 1e-6


@pytest.mark.parametrize("order", [2, 4, 6])
def test_growth_rates_of_coarse_grids(order, figure):
    """Central differences grow with gamma(k_eff), to 1e-5."""
    error = 0.0
    for n in (-8, -16, -24):
        k = central_wavenumber(2 * np.pi * n / 100.0, 100.0 / 512, order)
        error = max(
            error, abs(measured(n, (0.5, -0.5), 512, order) - two_beam_growth(k, 0.5, -0.5))
        )
    figure(f"P1 FD{order}", f"max |gamma - gamma(k_eff)| {error:.1e} (tol 1e-5)")
    assert error < 1e-5
