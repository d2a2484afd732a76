"""The gradient terms on a (p, v) grid (AX1): P11 and P11b of the acceptance table."""

import numpy as np
import pytest
from boxes import at, finished

from hpcqke.grids import shells
from hpcqke.momentum_operator import finite_volumes, on_axis

OFF = {
    "terms__gradient__weak_force": False,
    "terms__gradient__group_velocity": False,
    "time__relaxation": False,
}


def ax1(**settings):
    return finished("axisymmetric", output__series_every=1.0, **settings)


def change(run, name: str) -> float:
    return at(run, name, 6.0) - at(run, name, 0.0)


def test_energies_of_the_standard_and_the_full_equation(figure):
    """P11: with 24 x 48 momentum cells, to 3e-5; what U loses K gains, to rounding."""
    full, standard = ax1(), ax1(**OFF)
    found = {
        "U(0)": at(full, "energy_refractive_osc", 0.0),
        "standard dU": change(standard, "energy_refractive_osc"),
        "full dU": change(full, "energy_refractive"),
    }
    expected = {"U(0)": -1.31603, "standard dU": 0.39065, "full dU": 0.35453}
    errors = {name: abs(found[name] - expected[name]) for name in found}
    drift = abs(full.series.energy_total - full.series.energy_total[0]).max()
    figure("P11", ", ".join(f"{n} {found[n]:.5f}" for n in found) + " (tol 3e-5)")
    figure("P11 ledger", f"max |Delta(K + U)| {float(drift):.1e}")
    assert max(errors.values()) < 3e-5
    assert float(drift) < 1e-12 * 0.35
    assert change(standard, "energy_kinetic") == 0.0


def test_each_part_alone_does_not_conserve(figure):
    """Weak force or group velocity alone leave energy over; only both close the ledger."""
    for part in ("weak_force", "group_velocity"):
        run = ax1(**{f"terms__gradient__{part}": False, "time__relaxation": False})
        total = run.series.energy_total
        figure(f"AX1 without {part}", f"Delta E {float(total[-1] - total[0]):.3e}")
        assert abs(float(total[-1] - total[0])) > 1e-3


def test_number_and_flavor_are_conserved():
    """int sum Tr rho and int sum rho to rounding, but for what leaves the window's tails."""
    series = ax1().series
    flavor = series.flavor_matrix.values[:, 0]
    assert np.abs(flavor - flavor[0]).max() < 1e-8 * np.abs(flavor[0]).max()


def test_correction_to_flavor_is_linear_in_r_mu(figure):
    """P11b: the relative change of M0 by the gradient terms against r_mu = 1/p0, slope 1."""
    found = []
    for p0 in (20.0, 40.0, 80.0):
        runs = [ax1(grid__momentum__p0=p0, **extra) for extra in ({}, OFF)]
        M = []
        for run in runs:
            rho = run.fields.rho.isel(time=-1, species=0)
            M.append((rho * run.fields.weight).sum(("momentum", "direction")).values[:, 1:])
        found.append(np.linalg.norm(M[0] - M[1]) / np.linalg.norm(M[1]))
    slopes = np.diff(np.log(found)) / np.log(0.5)
    figure("P11b", f"change {found}, slopes {slopes} (.97-1.0)")
    assert np.all((slopes > 0.95) & (slopes < 1.01))


TRACER = {"terms__gradient__mode": "tracer"}


def ledger(run) -> tuple[float, float]:
    """(max |Delta(K + U)|/max |Delta U|, Delta K at the end)."""
    series = run.series
    total = series.energy_total - series.energy_total[0]
    refractive = series.energy_refractive - series.energy_refractive[0]
    return float(abs(total).max() / abs(refractive).max()), change(run, "energy_kinetic")


def test_tracer_of_the_momentum_response(figure):
    """P11: flavor of Eq. (1) with the first-order response beside it, Delta K = -Delta U."""
    closed, kinetic = ledger(ax1(**TRACER))
    plain, _ = ledger(ax1(**TRACER, time__relaxation=False))
    figure(
        "P11 tracer", f"Delta K {kinetic:.5f} (-.39065 +- 3e-5), ledger {closed:.1e}, {plain:.1e}"
    )
    assert abs(kinetic + 0.39065) < 3e-5
    assert closed < 1e-12
    assert plain < 1e-8


def test_tracer_at_a_realistic_momentum(figure):
    """P11c: p0 = 1e11 mu, where the full equation would lose its digits."""
    wide = {
        **TRACER,
        "grid__momentum__p0": 1e11,
        "grid__momentum__offset_range": (-9.5e10, 9.5e10),
        "initial__momentum_width": 1e10,
    }
    plain, _ = ledger(ax1(**wide, time__relaxation=False, time__integrator="rk4"))
    closed, kinetic = ledger(ax1(**wide))
    gauss, _ = ledger(ax1(**wide, time__integrator="gauss2"))
    figure(
        "P11c",
        f"rk4 {plain:.1e} (tol 1e-8), relaxation {closed:.1e}, gauss2 {gauss:.1e} (tol 1e-12)",
    )
    assert plain < 1e-8
    assert closed < 1e-12
    assert gauss < 1e-12
    assert abs(kinetic) > 0.1


@pytest.mark.parametrize(
    ("p0", "window"), [(0.0, (0.0, 40.0)), (20.0, (-18, 18)), (1e11, (-18, 18))]
)
def test_finite_volumes_are_skew_and_know_constants(p0, window, figure):
    """sum V f Xg = -sum V g Xf inside the window, X 1 = 0, X p = v."""
    p_edges, v_edges = np.linspace(*window, 25), np.linspace(-1, 1, 33)
    X = finite_volumes(p_edges, v_edges, p0)
    V = shells(p_edges, p0)[:, None] * np.diff(v_edges)
    f, g = np.random.default_rng(0).normal(size=(2, *V.shape))
    for a in (f, g):
        a[[0, -1]] = 0
    skew = abs(np.sum(V * f * X(g)) + np.sum(V * g * X(f))) / np.sum(V * np.abs(f * X(g)))
    v = 0.5 * (v_edges[1:] + v_edges[:-1])
    speed = np.abs(X.speed - v)[3:-1].max()
    figure(f"X at p0 = {p0:g}", f"skew {skew:.1e}, |X p - v| {speed:.1e}")
    assert skew < 1e-14
    assert np.abs(X(np.ones_like(V)))[1:-1].max() < 1e-14
    assert speed < 1e-3


def test_on_axis_difference_is_exact_for_polynomials():
    """X q = v and X q^2 = 2 q v away from the ends; order 4 also X q^3."""
    q, v = np.linspace(-5, 5, 21), np.array([1.0, -1.0])
    for order, power in ((2, 1), (2, 2), (4, 3), (4, 4)):
        X = on_axis(q, v, order)
        f = np.repeat(q[:, None] ** power, 2, axis=1)
        exact = power * q[:, None] ** (power - 1) * v
        assert np.allclose(X(f)[2:-2], exact[2:-2], atol=1e-11)
