"""Collisional flavor instability: growth rates and the nonlinear end, T6 and Emu's test."""

import numpy as np
import pytest
from boxes import finished
from collisional import case_of, evolve, growth, uniform

from hpcqke.verify import verify_run

NATURAL = {  # mu, omega, (n_e, n_x), nubar, (Gamma_e, Gamma_x), nubar: Im Omega
    "Johns": (300.0, 0.0, (1.0, 0.3), (0.8, 0.3), (1.0, 0.0), (0.2, 0.0), 0.899069239322),
    "resonance": (300.0, 0.0, (1.0, 0.3), (1.0, 0.3), (1.0, 0.0), (0.2, 0.0), 6.18228391556),
    "all rates": (100.0, 0.5, (1.0, 0.3), (0.9, 0.3), (1.0, 0.1), (0.2, 0.1), 1.01522172407),
    "equal": (1000.0, 0.0, (1.0, 0.3), (0.8, 0.3), (0.2, 0.2), (0.2, 0.2), -0.2),
}
GROUPS = {"g": [0.2, 0.4, 0.2], "g_bar": [0.2, 0.3, 0.1]}
GROUPS |= {"rate": [0.1, 0.4, 1.2], "rate_bar": [0.05, 0.1, 0.3]}
SPEED = 29979245800.0


SEED = 1e-9


def measured(case, n, n_bar, mode, mode_bar) -> float:
    """Growth rate of |rho_ex| from the eigenmode on."""
    start = uniform(seeded(n, SEED * mode), seeded(n_bar, SEED * mode_bar))
    [rho] = evolve(case, start)
    return float(np.log(np.abs(rho[0, 0, 0, 0, 0, 1]) / np.abs(SEED * mode[0])) / case.time.end)


def seeded(diagonals, rho_ex) -> np.ndarray:
    """diag(n_e, n_x) of each momentum with off-diagonal elements."""
    rho = np.array([np.diag(d) for d in np.atleast_2d(diagonals)], dtype=complex)
    rho[:, 0, 1], rho[:, 1, 0] = rho_ex, np.conj(rho_ex)
    return rho


def gas(mu, omega, n, n_bar, rates, rates_bar, end, momenta=(1.0,)):
    """Rates and equilibria of the start, mu n_e * step < 1: a seed of any size is resolved."""
    terms = {"self_interaction": {"mu": mu}}
    if omega:
        terms["vacuum"] = {"mass_splittings": [2 * omega], "theta": 0.0}
    absorbed = {"absorption": rates, "absorption_bar": rates_bar}
    kept = {"equilibrium": n, "equilibrium_bar": n_bar}
    momentum = {"directions": [1.0, -1.0], "weights": [0.5, 0.5], "momenta": list(momenta)}
    time = {"end": end, "integrator": "rk8vr", "step": 0.6 / mu, "tolerance": None}
    return case_of({**absorbed, **kept}, terms=terms, time=time, grid={"momentum": momentum})


@pytest.mark.parametrize("name", NATURAL)
def test_growth_rate(name, figure):
    """T6: one |p|; the damping that counts is (Gamma_e + Gamma_x)/2."""
    mu, omega, n, n_bar, rates, rates_bar, exact = NATURAL[name]
    g, g_bar = n[0] - n[1], n_bar[0] - n_bar[1]
    theory, *mode = growth(mu, omega, g, g_bar, sum(rates) / 2, sum(rates_bar) / 2)
    assert theory == pytest.approx(exact, abs=1e-9)
    found = measured(gas(mu, omega, n, n_bar, rates, rates_bar, 1.0), n, n_bar, *mode)
    figure(f"T6 {name}", f"growth {found:.9f}, eigenvalue {exact:.9f} (tol 1 %)")
    assert found == pytest.approx(exact, rel=1e-6)


def test_groups(figure):
    """T6: three momenta; the mean of the rates would give 1.10776."""
    exact, *mode = growth(500.0, 0.0, **GROUPS)
    assert exact == pytest.approx(0.826567911512, abs=1e-9)
    n, n_bar = ([[0.3 + g, 0.3] for g in GROUPS[key]] for key in ("g", "g_bar"))
    rates, rates_bar = ([[2 * x, 0.0] for x in GROUPS[key]] for key in ("rate", "rate_bar"))
    case = gas(500.0, 0.0, n, n_bar, rates, rates_bar, 1.0, momenta=[1.0, 2.0, 3.0])
    found = measured(case, n, n_bar, *mode)
    figure("T6 three groups", f"growth {found:.9f}, eigenvalue {exact:.9f} (tol 1 %)")
    assert found == pytest.approx(exact, rel=1e-6)


def test_emu(figure):
    """Emu's test of Johns' Eq. (14): densities in cm^-3, free paths of km, rates times 1e4."""
    n, n_bar, n_x = 3e33, 2.5e33, 1e33
    mu = 577656249038.0 / SPEED  # sqrt(2) G_F n in 1/cm
    rates, rates_bar = (1e4 / 0.417e5, 0.0), (1e4 / 4.36e5, 0.0)
    one, one_bar, omega = (1.0, n_x / n), (n_bar / n, n_x / n), 0.304e-5
    contents = one[0] - one[1], one_bar[0] - one_bar[1]
    exact, *mode = growth(mu, omega, *contents, rates[0] / 2, rates_bar[0] / 2)
    found = measured(gas(mu, omega, one, one_bar, rates, rates_bar, 10.0), one, one_bar, *mode)
    text = f"growth {found * SPEED:.7e}/s, eigenvalue {exact * SPEED:.7e}/s"
    figure("Emu collisional instability", f"{text} (tol 1e-06; Emu asks 5e-02)")
    assert found == pytest.approx(exact, rel=1e-6)
    assert exact * SPEED == pytest.approx(9.408556e9, rel=0.05)  # the leading order that Emu takes


END = {  # n_e, n_x, nbar_e, |rho_ex|
    4.0: (0.999829815703, 0.300264866627, 0.799761643748, 0.0109125605294),
    8.0: (0.910179574589, 0.466724748985, 0.656272813603, 0.218858424358),
    12.0: (0.962654475455, 0.763332219027, 0.558957490314, 0.0940132034325),
    30.0: (0.999950880236, 0.798842809998, 0.791461056579, 0.00314337299132),
}
RESONANT = {
    0.5: (0.999123126514, 0.300947982518, 0.999067140975, 0.0247584671498),
    1.0: (0.677149800954, 0.652909272012, 0.653512094478, 0.334751118798),
    5.0: (0.985478011548, 0.99377349718, 0.685991029048, 0.00950900724271),
}


def test_nonlinear_at_resonance(figure):
    """T6: n(t) of the second case, to where it ends."""
    mu, omega, n, n_bar, rates, rates_bar, _ = NATURAL["resonance"]
    case = gas(mu, omega, n, n_bar, rates, rates_bar, 5.0)
    found = evolve(case, uniform(seeded(n, 5e-5), seeded(n_bar, -5e-5)), tuple(RESONANT))
    error = 0.0
    for rho, exact in zip(found, RESONANT.values(), strict=True):
        nu, nubar = rho[0, 0, 0]
        values = nu[0, 0].real, nu[1, 1].real, nubar[0, 0].real, abs(nu[0, 1])
        error = max(error, np.abs(np.subtract(values, exact)).max())
    figure("T6 resonance, nonlinear", f"|n(t) - reference| {error:.1e} (tol 1e-04)")
    assert error < 1e-6


def test_the_shipped_case(figure):
    """T6: n(t) of `collisional`, by the program, whole files; number_rate is the number's slope."""
    run = finished("collisional")
    assert verify_run(run.path) == 0
    error = 0.0
    for t, exact in END.items():
        P0, Px, Py, Pz = run.series.flavor_matrix.sel(time=t, species="nu").values
        bar = run.series.flavor_matrix.sel(time=t, species="nubar").values
        values = (P0 + Pz) / 2, (P0 - Pz) / 2, (bar[0] + bar[3]) / 2, np.hypot(Px, Py) / 2
        error = max(error, np.abs(np.subtract(values, exact)).max())
    linear = run.series.off_diagonal_rms.sel(time=slice(2.3, 4.1))
    growth_rate = float(np.polyfit(linear.time, np.log(linear), 1)[0])
    figure("T6 collisional", f"|n(t) - reference| {error:.1e} (tol 1e-04), fit {growth_rate:.4f}")
    assert error < 1e-5
    assert growth_rate == pytest.approx(0.899, rel=0.02)
    slope = np.gradient(run.series.number.values, run.series.time.values, axis=0, edge_order=2)
    added = run.series.number_rate.sum("flavor").values
    assert np.abs(slope - added)[2:-2].max() < 0.03 * np.abs(added).max()
