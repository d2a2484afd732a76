"""T5: the matter-neutrino resonance, constant matter and a falling mu."""

from __future__ import annotations

import numpy as np
from homogeneous import isotropic, trajectory

TABLE = {  # t: P_ee and Pbar_ee of the exact equations, P_ee of the resonance
    13.480795231: (0.997995533179, 0.99854162713, 1.0),
    54.821900606: (0.807688944592, 0.910054718849, 0.765221976726),
    96.6123658221: (0.457901072739, 0.836662519809, 0.444103012641),
    120.877797238: (0.267119615045, 0.879421031303, 0.254767417969),
    137.953471197: (0.104326428508, 0.943130467157, 0.0992269605219),
    153.681065633: (0.000491459354448, 0.999609674093, 0.0),
}


def test_matter_neutrino_resonance(figure):
    """Set A: omega = 1, lambda = 60, mu = 300 exp(-t/60), alpha = 4/3: nu convert, nubar not."""
    end = 179.743936413
    terms = {
        "vacuum": {"mass_splittings": [2.0], "theta": 0.15},
        "matter": {"potential": 60.0},
        "self_interaction": {
            "mu": 300.0, "profile": "exponential", "along": "t", "decay_time": 60.0,
        },
    }  # fmt: skip
    populations = [{}, {"species": "nubar", "density": 4 / 3}]
    case = isotropic(terms, populations, end, time={"tolerance": 1e-9})
    found = [0.5 * (1 + A[0, 0, 0, :, 3] / A[0, 0, 0, :, 0])
             for A in trajectory(case, [*TABLE, end])]  # fmt: skip
    exact = np.array([pair[:2] for pair in TABLE.values()])
    error = np.abs(np.array(found[:-1]) - exact).max()
    analytic = max(abs(f[0] - e[2]) for f, e in zip(found[:-1], TABLE.values(), strict=True))
    last = np.abs(found[-1] - [0.000156999718848, 0.999829068325]).max()
    figure("T5", f"P_ee {error:.1e}, at the end {last:.1e} (tol 1e-04), formula {analytic:.3f}")
    assert error < 1e-4
    assert last < 1e-5
    assert analytic < 0.06
