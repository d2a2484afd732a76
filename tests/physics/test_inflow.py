"""T10: what comes in at one end and evolves along z; what leaves; mirrors; the balance of all."""

from __future__ import annotations

import numpy as np
import pytest
from open_boxes import beams, case_of, flow

import hpcqke

PENDULUM = {  # z: Pz, Pbarz, Px, Py
    0.6: (-0.244959835636, -0.434032646096, -0.111844343754, 0.963060497422),
    1.3: (0.999756803087, 0.79982423893, -0.0119817823229, -0.0185140912356),
    2.0: (-0.511643179775, -0.712506061864, -0.319914674307, 0.797418245184),
}


def test_pendulum_along_z(figure):
    """One zenith angle: the bipolar pendulum with mu (1 - v^2), in length v T.

    Its exponent is 9 per length and its swings start from 1 % of a tilt: that takes dz = 0.0035.
    """
    v = 0.2**0.5
    case = case_of(
        {"length": 2.1, "cells": 600}, {"directions": [v]},
        {"vacuum": {"mass_splittings": [-2.0], "theta": 0.01}, "self_interaction": {"mu": 12.5}},
        [beams([1.0]), beams([0.8], species="nubar")], 6.0,
        flavors={"antineutrinos": True}, time={"step": 0.006},
    )  # fmt: skip
    with flow(case) as run:
        P = run.to(6.0).at(list(PENDULUM))[:, 0, 0]
        still = np.abs(run.sim.rhs()).max()
    found = np.stack([P[:, 0, 3], P[:, 1, 3], P[:, 0, 1], P[:, 0, 2]], axis=1)
    error = np.abs(found - np.array(list(PENDULUM.values()))).max()
    figure("T10 pendulum along z", f"P to {error:.1e} (tol 1e-03), d/dt {still:.0e}")
    assert error < 1e-3
    assert still < 1e-9


RESONANCE = {  # v: Pz at z = 2, 10, 30
    0.5: (0.997115064656, 0.870688578101, -0.706910806577),
    0.8: (0.9995293552, 0.893587377633, 0.0863984578303),
    1.0: (0.997408281314, 0.887328666975, -0.17118459983),
}


def test_resonance_along_z(figure):
    """Matter that falls as exp(-z/h): each angle crosses the resonance on its own path z/v."""
    matter = {"profile": "exponential", "scale_height": 5.0, "potential": 10 * np.exp(-3.1)}
    case = case_of(
        {"length": 31.0, "cells": 930}, {"directions": list(RESONANCE)},
        {"vacuum": {"mass_splittings": [2.0], "theta": 0.15}, "matter": matter},
        [beams([1.0] * 3)], 75.0, time={"step": 0.04},
    )  # fmt: skip
    with flow(case) as run:
        Pz = run.to(75.0).at([2.0, 10.0, 30.0])[:, 0, :, 0, 3]
    error = np.abs(Pz.T - np.array(list(RESONANCE.values()))).max()
    figure("T10 resonance along z", f"P to {error:.1e} (tol 1e-03)")
    assert error < 1e-3


V, G = np.array([0.3, 0.6, 0.95]), np.array([0.8, -1.0, 0.6])
S_Z = {
    8.0: (0.998909602541, 0.999215840837, 0.999633403298),
    12.0: (0.889617139694, 0.918237117491, 0.960410520975),
}


def test_fast_inflow(figure):
    """Three angles with a crossing grow in space as exp(kappa z); the flux is the same at all z.

    This is the case `inflow`, with dz = 0.05.
    """
    with flow(hpcqke.load_case("inflow")) as run:
        rho = run.to(100.0).rho[:, 0, :, 0]
        s_z = run.at(list(S_Z))[:, 0, :, 0, 3] / G
        row = run.row()
    error = np.abs(s_z - np.array(list(S_Z.values()))).max()
    F = np.einsum("d,zdc->zc", V, rho)[:, 1:]
    expected = np.array([2.535e-4, 0.0, 0.209999839987])
    through = [row[f"flux_{end}"][0, 1:] for end in ("left", "right")]
    worst = max(np.abs(f - expected).max() for f in (F, *through))
    figure("T10 fast inflow", f"s_z to {error:.1e} (tol 1e-03), flux to {worst:.1e} (tol 1e-10)")
    assert error < 1e-3
    assert worst < 1e-10


def test_fill(figure):
    """An empty box fills: n(z) behind and before the fronts, what is in it, the flux."""
    weights = [0.1, 0.2, 0.3, 0.4]
    case = case_of(
        {"length": 1.0, "cells": 400},
        {"directions": [0.25, 0.5, 0.75, 1.0], "weights": weights}, {},
        [beams([0.0] * 4)], 6.0, time={"step": 0.002},
        inflow={"recipe": "distribution", "populations": [beams([1.0] * 4)]},
    )  # fmt: skip
    with flow(case) as run:
        n = np.einsum("d,zd->z", weights, run.to(0.8).at([0.1, 0.3, 0.5, 0.9])[:, 0, :, 0, 0])
        content = run.row()["number"][0]
        flux = run.to(6.0).row()["flux_right"][0, 0]
    shape, content, flux = np.abs(n - [1.0, 0.9, 0.7, 0.0]).max(), content - 0.6, flux - 0.75
    figure("T10 fill", f"n(z) {shape:.1e}, content {content:.1e}, flux {flux:.1e} (tol 1e-3, -10)")
    assert shape < 1e-3
    assert abs(content) < 1e-10
    assert abs(flux) < 1e-10


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize(
    "boundary", [["inflow", "inflow"], ["outflow", "inflow"], ["reflecting", "outflow"]]
)
def test_balance(flavors, boundary, figure):
    """d/dt int sum w (rho - rhobar) dz = F(left) - F(right) in all components, at rounding."""
    weights, v = np.array([0.7, 0.2, 0.2, 0.7]), np.array([-0.9, -0.35, 0.35, 0.9])
    n = flavors

    def some(species, z, p, v):
        z, v = z[:, None, None, None, None], v[:, None, None]
        a = np.arange(n)
        wave = np.sin(z + (a[:, None] + a) + 2 * v) + 1j * np.sin(z * v + 1) * (a[:, None] - a)
        rho = np.eye(n) + 0.2 * (wave + wave.swapaxes(-1, -2).conj())
        return rho * (0.7 if species == "nubar" else 1.0) * np.exp(-z / 5)

    case = case_of(
        {"length": 6.0, "cells": 40, "boundary": boundary},
        {"directions": v.tolist(), "weights": weights.tolist()}, {"self_interaction": {"mu": 2.0}},
        [beams([0.5, 0.9, 1.3, 0.6]), beams([0.2] * 4, species="nubar")], 1.0,
        flavors={"count": flavors, "antineutrinos": True},
        initial={"perturbation": "velocity", "amplitude": 0.3},
    )  # fmt: skip
    with flow(case, some) as run:
        rate = np.einsum("d,zpdsc->sc", weights, run.sim.rhs()) * 6.0 / 40
        row = run.row()
    balance = row["flux_left"] - row["flux_right"]
    error = np.abs((rate - balance)[0] - (rate - balance)[1]).max()
    figure(f"T10 balance, {flavors} flavors, {'-'.join(boundary)}", f"{error:.0e}, must be < 4e-13")
    assert error < 4e-13
    assert np.abs(balance).max() > 0.05
    measured = row["energy_refractive_osc_rate_measured"]  # Eq. (7), with these differences
    assert abs(row["energy_refractive_osc_rate"] - measured) < 1e-12
    assert abs(measured) > 1e-2
    if boundary[0] == "reflecting":
        assert np.abs(row["flux_left"]).max() < 1e-15


def bump(z, center):
    return np.exp(-((z - center) ** 2) / (2 * 0.04**2))


def packet(species, z, p, v):
    """A packet at rest of the colder flavor in each direction, in a box from -1/2 to 1/2."""
    n = bump(z, 0.1)[:, None, None] * (1 + 0.5 * v)
    rho = np.zeros((*n.shape, 2, 2), complex)
    rho[..., 0, 0], rho[..., 0, 1], rho[..., 1, 0] = n, 0.3j * n, -0.3j * n
    return np.broadcast_to(rho, (z.size, 1, v.size, 2, 2))


def test_a_mirror_returns_everything(figure):
    """Against the packet's images: rho(z, v, t) comes from z - v t folded back at the mirrors."""
    case = case_of(
        {"length": 1.0, "cells": 200, "boundary": "reflecting"},
        {"directions": [1.0, -1.0, 0.5, -0.5]}, {}, [beams([1.0] * 4)], 2.0, time={"step": 0.002},
    )  # fmt: skip
    with flow(case, packet) as run:
        z = run.sim.ps.z.z
        start = run.row()["number"][0]
        P0 = run.to(1.2).rho[:, 0, :, 0, 0]
        number = run.row()["number"][0]
        back = run.to(2.0).rho[:, 0, :2, 0]
    # v = 1 from 0.1 meets the mirror at 0.5 and is at -0.3 with v = -1; v = -1 at -0.1 with v = 1
    expected = np.stack([0.5 * bump(z, 0.1), 1.5 * bump(z, -0.3)], axis=1)
    expected[:, 0] = 0.5 * bump(z, -0.5 + 0.6)  # reaches -0.5 at t = 0.6, then 0.6 more
    error = np.abs(P0[:, :2] - expected).max()
    whole = np.abs(back[:, :, [0, 2]] - packet_components(z)).max()
    lost = abs(number / start - 1)
    figure("mirrors", f"packet to {error:.1e}, after a round {whole:.1e}, number {lost:.0e}")
    assert error < 2e-3
    assert whole < 2e-3
    assert lost < 1e-12


def packet_components(z: np.ndarray) -> np.ndarray:
    """P0 and P^y of v = 1, -1 at the start."""
    n = bump(z, 0.1)[:, None] * np.array([1.5, 0.5])
    return np.stack([n, -0.6 * n], axis=-1)


def test_what_leaves_does_not_come_back(figure):
    """A packet crosses two open ends: what is left in the box is its own tail."""
    case = case_of(
        {"length": 1.0, "cells": 200, "boundary": "outflow"}, {"directions": [1.0, -0.5]}, {},
        [beams([1.0] * 2)], 2.0, time={"step": 0.002},
    )  # fmt: skip
    with flow(case, packet) as run:
        start = run.row()["number"][0]
        left = np.abs(run.to(2.0).rho).max(), run.row()["number"][0] / start
    figure("outflow", f"left of a packet: {left[0]:.0e}, of its number {left[1]:.0e}")
    assert left[0] < 1e-5
    assert abs(left[1]) < 1e-6
