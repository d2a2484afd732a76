"""Vacuum oscillations against closed forms: probabilities, signs, CP phase, both orderings."""

import numpy as np
import pytest
from homogeneous import case_of, evolve, flavor, turned
from mpi4py import MPI

import hpcqke
from hpcqke.errors import CaseError
from hpcqke.state import from_matrix, to_matrix
from hpcqke.terms.vacuum import Vacuum

HBAR_C = 1.973269804e-11  # MeV cm
T2K = {  # NuFIT-like angles in degrees, (dm21, dm31) in eV^2
    "normal": ((33.41, 8.54, 49.1, 197.0), (7.41e-5, 2.511e-3)),
    "inverted": ((33.41, 8.57, 49.5, 286.0), (7.41e-5, -2.4239e-3)),
}


def three(ordering: str, splittings=None) -> dict:
    angles, masses = T2K[ordering]
    keys = ("theta12", "theta13", "theta23", "delta_cp")
    radians = dict(zip(keys, np.radians(angles).tolist(), strict=True))
    return {"mass_splittings": list(splittings or masses), **radians}


def formula(ordering: str, start: int, end: int, phase: float, nubar: bool) -> float:
    """P(a -> b) = |sum_i U*_ai U_bi exp(-i m_i^2 phase)|^2, U written out element by element."""
    (t12, t13, t23, delta), masses = T2K[ordering]
    t12, t13, t23, delta = np.radians([t12, t13, t23, -delta if nubar else delta])
    c12, s12, c13, s13 = np.cos(t12), np.sin(t12), np.cos(t13), np.sin(t13)
    c23, s23, e = np.cos(t23), np.sin(t23), np.exp(1j * delta)
    U = np.array([
        [c12 * c13, s12 * c13, s13 / e],
        [-s12 * c23 - c12 * s23 * s13 * e, c12 * c23 - s12 * s23 * s13 * e, s23 * c13],
        [s12 * s23 - c12 * c23 * s13 * e, -c12 * s23 - s12 * c23 * s13 * e, c23 * c13],
    ])  # fmt: skip
    waves = np.exp(-1j * np.array([0.0, *masses]) * phase)
    return float(abs(np.sum(U[start].conj() * U[end] * waves)) ** 2)


@pytest.mark.parametrize(
    ("t", "survival"), [(1, 0.926719332513), (2.5, 0.712878685118), (7, 0.96076942021)]
)
def test_two_flavors(t, survival, figure):
    """1 - sin^2 2theta sin^2(omega t/2); at t = 7 all of P, whose y has the sign of the species."""
    vacuum = {"mass_splittings": [8.0], "theta": 0.3}
    case = case_of({"vacuum": vacuum}, 2, t, momenta=[4.0])
    rho = evolve(case, flavor(0, 2), flavor(0, 2))
    P = from_matrix(rho)[0, 0]
    error = np.abs(rho[..., 0, 0].real - survival).max()
    figure(f"T1 2 flavors, t = {t}", f"|P_ee - exact| {error:.1e} (tol 1e-09)")
    assert error < 1e-9
    assert survival == pytest.approx(1 - np.sin(0.6) ** 2 * np.sin(t / 2) ** 2, abs=1e-11)
    if t == 7:
        for s, sign in ((0, -1), (1, 1)):
            exact = [1, -0.11468635896, sign * 0.370962538088, 0.921538840421]
            assert np.abs(P[:, s] - exact).max() < 1e-9


@pytest.mark.parametrize(
    ("ordering", "energy", "length", "to_e", "to_mu"),
    [
        ("normal", 600.0, 295.0, (0.053080005679, 0.0459598304589), 0.0158536457572),
        ("inverted", 600.0, 295.0, (0.0624219282843, 0.038996630225), 0.0181684724058),
    ],
)
def test_three_flavors(ordering, energy, length, to_e, to_mu, figure):
    """P(mu -> e) of nu and nubar differ by the CP phase; P(mu -> mu) does not."""
    phase = 1e-12 * length * 1e5 / (2 * energy * HBAR_C)  # of 1 eV^2
    case = case_of({"vacuum": three(ordering)}, 3, 2 * phase)
    rho = evolve(case, flavor(1, 3), flavor(1, 3))[0, 0, 0]
    worst = 0.0
    for s in (0, 1):
        exact = [formula(ordering, 1, b, phase, bool(s)) for b in range(3)]
        assert exact[0] == pytest.approx(to_e[s], abs=2e-9)
        assert exact[1] == pytest.approx(to_mu, abs=2e-9)
        worst = max(worst, np.abs(np.diagonal(rho[s]).real - exact).max())
    figure(f"T1 3 flavors {ordering}", f"|P(mu -> b) - exact| {worst:.1e} (tol 1e-08)")
    assert worst < 1e-8


def test_every_transition_at_ten_MeV():
    """|P_ab - closed sum|, all a, b, both species, at many oscillation lengths."""
    phase = 1e-12 * 100.0 * 1e5 / (2 * 10.0 * HBAR_C)
    case = case_of({"vacuum": three("normal")}, 3, 2 * phase)
    for a in range(3):
        rho = evolve(case, flavor(a, 3), flavor(a, 3))[0, 0, 1]
        for s in (0, 1):
            exact = [formula("normal", a, b, phase, bool(s)) for b in range(3)]
            assert np.abs(np.diagonal(rho[s]).real - exact).max() < 1e-8
    assert formula("normal", 0, 1, phase, False) == pytest.approx(0.227771276917, abs=2e-9)


@pytest.mark.parametrize("flavors", [2, 3])
def test_right_hand_side_of_many_momenta(flavors):
    """-i [+-U M^2 U^dagger/(2|p|), rho] for every |p| = p0 + q; Hermitian and without trace."""
    vacuum = (
        {"mass_splittings": [1.5], "theta": 0.4} if flavors == 2 else three("normal", (0.8, 3.0))
    )
    case = case_of({"vacuum": vacuum}, flavors, 1.0, z={"length": 1.0, "cells": 3})
    rho, rate, ps = right_hand_side(
        case, flavors, {"offset_range": [-3.0, 3.0], "offset_cells": 7, "p0": 5.0}
    )
    H = Vacuum(case.terms["vacuum"]).mass_matrix()
    for i, p in enumerate(5.0 + ps.momentum.p):
        for s, sign in ((0, 1), (1, -1)):
            h, r = sign * H / (2 * p), rho[:, i, :, s]
            assert np.abs(rate[:, i, :, s] + 1j * (h @ r - r @ h)).max() < 1e-14
    assert np.abs(rate - rate.conj().swapaxes(-1, -2)).max() == 0
    assert np.abs(np.trace(rate, axis1=-2, axis2=-1)).max() < 1e-15
    assert np.abs(rate).max() > 0.05


def right_hand_side(case, flavors: int, momentum: dict):
    """(rho, d rho/dt, phase space) of random Hermitian matrices on another momentum grid."""
    import tomllib

    from hpcqke.case import make_case

    table = tomllib.loads(case.to_toml())
    table["grid"]["momentum"] = {"directions": [1.0, -1.0], **momentum}
    draw = np.random.default_rng(3)

    def state(species, z, p, v):
        a = draw.normal(size=(z.size, p.size, v.size, flavors, flavors, 2)) @ np.array([1, 1j])
        return 0.3 * (a + a.conj().swapaxes(-1, -2))

    with hpcqke.Simulation(make_case(table), comm=MPI.COMM_SELF) as sim:
        sim.set_state(state)
        return to_matrix(sim.state()), to_matrix(sim.rhs()), sim.ps


def test_matrix_has_the_whole_mass_matrix():
    """H_vac(p) keeps its trace, sum m^2/(2p); its eigenvalues are m_i^2/(2p)."""
    vacuum = case_of({"vacuum": three("inverted", (0.5, -2.0))}, 3, 1.0).terms["vacuum"]
    H = to_matrix(Vacuum(vacuum).matrix(np.array([1.0, 4.0])))
    assert np.linalg.eigvalsh(H[0]) == pytest.approx([-1.0, 0.0, 0.25], abs=1e-14)
    assert np.abs(H[1] - H[0] / 4).max() < 1e-16


def test_energy_is_kept_and_written():
    """int sum Tr H_vac (rho + rhobar): a number at the start, the same at the end."""
    from hpcqke.diagnostics import Diagnostics

    vacuum = {"mass_splittings": [8.0], "theta": 0.3}
    case = case_of({"vacuum": vacuum}, 2, 3.0, momenta=[2.0, 4.0])
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(
            lambda s, z, p, v: np.broadcast_to(
                flavor(0 if s == "nu" else 1, 2), (1, p.size, v.size, 2, 2)
            )
        )
        diagnostics = Diagnostics(sim.equation, 4)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        row = diagnostics.row(0.0, 0, sim.vec)
        diagnostics.destroy()
    # sin^2 theta dm2/2p of nu_e and cos^2 theta of nubar_x add up to dm2/2p
    assert row["energy_vacuum"] == pytest.approx(8 / 4 + 8 / 8, abs=1e-14)
    assert row["energy_total"] == pytest.approx(row["energy_kinetic"] + 3.0, abs=1e-14)


MUTATIONS = {
    "nubar as nu": lambda H: (H, H),
    "nu as nubar": lambda H: (-H, -H),
    "both turned around": lambda H: (-H, H),
    "conjugate in nu and nubar": lambda H: (H.conj(), -H.conj()),
    "conjugate in nubar": lambda H: (H, -H.conj()),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_sign_or_conjugate_is_seen(name):
    """What the tests above compare with moves by more than 1e-3 with any sign turned around."""
    case = case_of({"vacuum": three("normal", (0.6, 2.0))}, 3, 3.0)
    H = Vacuum(case.terms["vacuum"]).mass_matrix() / 2
    wrong = [turned(h, flavor(1, 3), 3.0) for h in MUTATIONS[name](H)]
    rho = evolve(case, flavor(1, 3), flavor(1, 3))[0, 0, 0]
    right = [turned(h, flavor(1, 3), 3.0) for h in (H, -H)]
    assert np.abs(rho - right).max() < 1e-9
    assert np.abs(np.diagonal(rho - np.array(wrong), axis1=-2, axis2=-1)).max() > 1e-3


@pytest.mark.parametrize(
    ("flavors", "section", "fault"),
    [
        (2, {"mass_splittings": [1.0]}, "terms.vacuum.theta: missing"),
        (2, {"mass_splittings": [1.0, 2.0], "theta": 0.3}, "must have 1 number for 2 flavors"),
        (3, {**three("normal"), "theta": 0.3}, "terms.vacuum.theta = 0.3: must be left out"),
        (3, {**three("normal"), "mass_splittings": [1.0]}, "must have 2 numbers for 3 flavors"),
        (2, {"mass_splittings": [1.0], "theta": 33.41}, "from 0 to 1.5708 in rad"),
        (
            2,
            {"mass_splittings": [1.0], "theta": 0.3, "delta_cp": 1.0},
            "delta_cp = 1.0: must be left",
        ),
        (2, {"mass_splittings": ["1"], "theta": 0.3}, "terms.vacuum.mass_splittings"),
    ],
)
def test_malformed(flavors, section, fault):
    with pytest.raises(CaseError, match=fault):
        case_of({"vacuum": section}, flavors, 1.0)
