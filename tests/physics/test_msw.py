"""T2: matter that falls with time; P_ee after it, in the mass basis, against exact numbers."""

from __future__ import annotations

import numpy as np
import pytest
from homogeneous import case_of, evolve, flavor, isotropic, trajectory

from hpcqke.state import from_matrix

THETA = 0.15


def averaged(P: np.ndarray, theta: float, ordering: int = 1) -> np.ndarray:
    """P_ee averaged over many oscillation lengths: (1 - cos 2theta P.B)/2, B = (sin, 0, -cos)."""
    B = np.array([np.sin(2 * theta), 0, -np.cos(2 * theta)])
    return 0.5 * (1 - np.cos(2 * theta) * P[..., 1:] @ B)


EXPONENTIAL = {
    0.5: (0.910084163389, 0.974518531803, 0.910018062142),
    5.0: (0.496100282763, 0.977668223727, 0.495992262471),
    20.0: (0.080047462269, 0.977668223707, 0.0800615140857),
}


@pytest.mark.parametrize("h", EXPONENTIAL)
def test_exponential(h, figure):
    """lambda = 1000 omega exp(-t/h): nu with a level crossing, nubar without; Parke's formula."""
    end = h * np.log(1e9)
    vacuum = {"mass_splittings": [2.0], "theta": THETA}
    matter = {"profile": "exponential", "along": "t", "potential": 1000.0, "decay_time": h}
    case = case_of({"vacuum": vacuum, "matter": matter}, 2, end,
                   time={"end": end, "integrator": "rk8vr", "tolerance": 1e-9})  # fmt: skip
    P = from_matrix(evolve(case, flavor(0, 2), flavor(0, 2)))[0, 0, 0]
    nu, nubar = averaged(P, THETA)
    exact, exact_bar, parke = EXPONENTIAL[h]
    error = max(abs(nu - exact), abs(nubar - exact_bar))
    figure(f"T2 exponential h = {h}", f"P_ee {nu:.9f}, {nubar:.9f}, error {error:.1e} (tol 1e-06)")
    assert error < 1e-6
    assert abs(nu - parke) < 5e-4


@pytest.mark.parametrize(("beta", "crossing"), [(0.1, 0.2536464231), (0.02, 1.04818943579e-3)])
def test_linear_ramp(beta, crossing, figure):
    """Landau and Zener: from an eigenstate far below the resonance to those far above."""
    Z, s, c = 300.0, np.sin(2 * THETA), np.cos(2 * THETA)
    vacuum = {"mass_splittings": [2.0], "theta": THETA}
    matter = {"profile": "linear", "along": "t", "potential": c, "slope": beta}
    time = {"start": -Z, "end": Z, "integrator": "rk8vr", "tolerance": 1e-9}
    case = isotropic({"vacuum": vacuum, "matter": matter}, [{}], Z, time=time)
    axes = [np.array([s, 0, sign * beta * Z]) / np.hypot(s, beta * Z) for sign in (-1, 1)]

    def start(species, z, p, v):
        rho = np.array([[1 + axes[0][2], axes[0][0]], [axes[0][0], 1 - axes[0][2]]]) / 2
        return np.broadcast_to(rho.astype(complex), (1, 1, v.size, 2, 2))

    P = trajectory(case, [Z], start)[0][0, 0, 0, 0, 1:]
    found = 0.5 * (1 - P @ axes[1])
    figure(f"T2 ramp {beta}", f"P_c {found:.9f}, error {found - crossing:.1e} (tol 1e-06)")
    assert abs(found - crossing) < 1e-6
    landau_zener = np.exp(-np.pi * s**2 / (2 * beta))
    assert abs(found - landau_zener) < 5e-4


@pytest.mark.parametrize("ordering", [1, -1])
def test_supernova_in_physical_units(ordering, figure):
    """H resonance: dm2 = 2.511e-3 eV^2, 20 MeV, h = 15 km, 1e6 g/cm^3: nu in NO is nubar in IO."""
    theta, h = np.arcsin(np.sqrt(0.02203)), 15e5
    # lambda/omega = 608 at first, 1e-6 at the end
    end = h * np.log(607.922438699 / 1e-6)
    terms = {
        "vacuum": {"mass_splittings": [2.511e-3 * ordering], "theta": float(theta)},
        "matter": {
            "profile": "exponential",
            "along": "t",
            "density": 1e6,
            "electron_fraction": 0.5,
            "decay_time": h,
        },
    }
    case = isotropic(terms, [{}, {"species": "nubar"}], end, {"momenta": [20.0]},
                     units={"system": "cm"}, time={"tolerance": 1e-9})  # fmt: skip
    P = trajectory(case, [end])[0][0, 0, 0]
    P = P / P[:, :1]
    found = averaged(P, theta)[0 if ordering > 0 else 1]
    figure(f"T2 supernova {ordering:+d}", f"P_ee {found:.9f} of 0.515634943 (tol 1e-06)")
    assert abs(found - 0.51563494334) < 1e-6
    other = averaged(P, theta)[1 if ordering > 0 else 0]
    assert other == pytest.approx(np.cos(theta) ** 2 * 1.0, abs=2e-3)
