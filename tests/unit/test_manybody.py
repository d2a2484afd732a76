"""Beyond mean field: exact spins, two beams, BBGKY-2 and the mean field that is the QKE (T9)."""

import numpy as np
import pytest
from manybody_numbers import GENERIC, T_GENERIC, T_VACUUM, TWO_BEAMS, VACUUM, T

import hpcqke
from hpcqke.analysis.linear import LinearSystem
from hpcqke.case import make_case
from hpcqke.errors import CaseError, NumericsError
from hpcqke.manybody import (
    SpinSystem,
    bbgky,
    beams,
    beams_along,
    closed_forms,
    exact,
    extrapolation,
    from_case,
    mean_field,
    residual,
)

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def two_beams(N: int, difference: float = 0.0) -> SpinSystem:
    """N/2 nu_e against N/2 nu_x with J_AB = 1, mu = 1."""
    omega = [0.5 * difference, -0.5 * difference]
    return beams_along([1, -1], omega, [1, -1], mu=0.5, count=N // 2)


def distance(found, wanted) -> float:
    return float(np.abs(np.asarray(found) - wanted).max())


def first_minimum(P: np.ndarray) -> int:
    return int(np.flatnonzero((P[1:-1] < P[:-2]) & (P[1:-1] <= P[2:]))[0]) + 1


@pytest.mark.parametrize("N", TWO_BEAMS)
def test_two_beams(N, figure):
    survival, one, between, (t_min, P_min, t_075, most) = TWO_BEAMS[N]
    assert distance(mean_field.evolve(two_beams(N), [10.0]).survival, 1) < 1e-15
    found = beams.evolve(two_beams(N), T)
    off = [distance(found.survival[:, 0], survival), distance(found.entropy[:, 1], one),
           distance(found.beam_entropy, between)]  # fmt: skip
    # the grid of times on which the minimum and the rest were looked for
    t = np.linspace(0, 6 * np.sqrt(N) + 10, 20001)
    found = beams.evolve(two_beams(N), t)
    P = found.survival[:, 0]
    n = first_minimum(P)
    off += [abs(t[n] - t_min), abs(P[n] - P_min), abs(t[np.argmax(P <= 0.75)] - t_075),
            abs(found.beam_entropy.max() - most)]  # fmt: skip
    figure(f"T9 two beams, N = {N}", f"P, S1, S_AB, minimum to {max(off):.1e} (tol 1e-9)")
    assert max(off) < 1e-9


@pytest.mark.parametrize(("difference", "N"), VACUUM)
def test_two_beams_in_vacuum(difference, N, figure):
    survival, one, between, (t_min, P_min, most) = VACUUM[difference, N]
    found = beams.evolve(two_beams(N, difference), T_VACUUM)
    off = [distance(found.survival[:, 1], survival), distance(found.entropy[:, 0], one),
           distance(found.beam_entropy, between)]  # fmt: skip
    t = np.linspace(0, 30, 8001)
    found = beams.evolve(two_beams(N, difference), t)
    n = found.survival[:, 0].argmin()
    off += [abs(t[n] - t_min), abs(found.survival[n, 0] - P_min),
            abs(found.beam_entropy.max() - most)]  # fmt: skip
    figure(f"T9 vacuum {difference}, N = {N}", f"to {max(off):.1e} (tol 1e-9)")
    assert max(off) < 1e-9


@pytest.mark.parametrize("N", GENERIC)
def test_generic_neutrinos(N, figure):
    numbers = GENERIC[N]
    system = beams_along(**numbers["system"])
    found = exact.evolve(system, T_GENERIC)
    mean = mean_field.evolve(system, T_GENERIC)
    pairs = bbgky.evolve(system, T_GENERIC)
    off = {
        "exact": distance(found.polarization[..., 2], numbers["Pz_exact"]),
        "S1": distance(found.entropy, numbers["S1_bits"]),
        "mean field": distance(mean.polarization[..., 2], numbers["Pz_meanfield"]),
        "BBGKY-2": distance(pairs.polarization[..., 2], numbers["Pz_bbgky2"]),
        "residual": distance(residual(found, mean), numbers["max_err_mf"]),
        "of BBGKY-2": distance(residual(found, pairs), numbers["max_err_bbgky2"]),
    }
    figure(f"T9 N = {N}", ", ".join(f"{k} {v:.1e}" for k, v in off.items()) + " (tol 1e-9)")
    assert max(off.values()) < 1e-9


def test_closed_forms(figure):
    t = np.linspace(0, 20, 41)
    one = exact.evolve(two_beams(2), t).survival
    assert distance(one[:, 0], closed_forms.survival_of_two(t)) < 1e-12
    # e^y^2 D(y) is the integral of e^x^2
    x, w = np.polynomial.legendre.leggauss(60)
    for y in (-0.3, 0.0, 0.9, 2.0, 5.0):
        integral = 0.5 * y * w @ np.exp((0.5 * y * (x + 1)) ** 2 - y * y)
        assert closed_forms.dawson(y) == pytest.approx(integral, rel=1e-11, abs=1e-16)
    t = np.linspace(0, 3, 30001)
    P = closed_forms.survival_of_many(t, 1)
    assert (t[P.argmin()], P.min()) == pytest.approx((2.1240, 0.3576), abs=2e-4)
    assert t[np.argmax(P < 0.75)] == pytest.approx(0.7812, abs=2e-4)
    off = []
    for N in (250, 500, 1000):  # the leading order misses 1/N
        t = np.sqrt(N) * np.array([0.5, 1.5, 2.5])
        P = beams.evolve(two_beams(N), t).survival[:, 0]
        off.append(distance(P, closed_forms.survival_of_many(t, N)))
    figure("T9 N -> inf", f"N x difference to Dawson {off[0] * 250:.3f}, {off[2] * 1000:.3f}")
    assert off[0] / off[1] == pytest.approx(2, rel=0.02)
    assert off[1] / off[2] == pytest.approx(2, rel=0.02)


def test_ten_thousand_neutrinos(figure):
    P = beams.evolve(two_beams(10_000), [5.0]).survival[0, 0]
    off = abs(P - closed_forms.survival_of_many(5.0, 10_000))
    figure("T9 N = 10000", f"1 - P(5) = {1 - P:.6e}, Dawson's differs by {off:.1e}")
    assert off < 2e-7


def test_both_ways_of_two_beams_agree(monkeypatch):
    t = [0.3, 4.0, 40.0]
    dense = beams.evolve(two_beams(100, -0.5), t)
    monkeypatch.setattr(beams, "DENSE", 0)
    other = beams.evolve(two_beams(100, -0.5), t)
    assert distance(dense.survival, other.survival) < 1e-11
    assert distance(dense.beam_entropy, other.beam_entropy) < 1e-10


@pytest.mark.parametrize(("count", "flavor"), [((3, 3), (1, -1)), ((4, 2), (1, -1)),
                                               ((2, 5), (-1, 1))])  # fmt: skip
def test_beams_are_the_exact_spins(count, flavor):
    """Also with unequal beams, the other order, and J within a beam, which only shifts energies."""
    system = beams_along([0.9, -0.3], [0.4, -0.7], flavor, mu=1.3, count=count)
    t = [0.5, 2.0, 7.0]
    one, other = beams.evolve(system, t), exact.evolve(system, t)
    assert distance(one.polarization[:, system.kind], other.polarization) < 1e-12
    assert distance(one.entropy[:, system.kind], other.entropy) < 1e-10
    assert distance(one.beam_entropy, other.beam_entropy) < 1e-10


def generic(seed: int, N: int) -> SpinSystem:
    random = np.random.default_rng(seed)
    spin = random.normal(size=(N, 3))
    spin[0] = 0, 0, -1
    spin /= np.sqrt((spin**2).sum(axis=1))[:, None]
    J = random.normal(size=(N, N))
    return SpinSystem(np.ones(N, int), random.normal(size=(N, 3)), spin, J + J.T, 1.7)


def test_the_hamiltonian_is_that_of_pauli_matrices():
    """Any fields, couplings of both signs and first spins."""
    N = 4
    system = generic(3, N)

    def sigma(i, a):
        return np.kron(np.kron(np.eye(2**i), PAULI[a]), np.eye(2 ** (N - i - 1)))

    H = sum(0.5 * system.field[i, a] * sigma(i, a) for i in range(N) for a in range(3))
    H = H + sum(system.mu / (2 * N) * system.coupling[i, j] * sigma(i, a) @ sigma(j, a)
                for i in range(N) for j in range(i) for a in range(3))  # fmt: skip
    energy, vectors = np.linalg.eigh(H)
    low, high = exact.bounds(system)
    assert low <= energy[0] <= energy[-1] <= high
    psi = exact.product_state(system)
    assert distance(exact.polarization(psi), system.spin) < 1e-14
    late = vectors @ (np.exp(-3j * energy) * (vectors.conj().T @ psi.ravel()))
    found = exact.evolve(system, [1.0, 3.0], part=[0, 2])
    P = [[(late.conj() @ sigma(i, a) @ late).real for a in range(3)] for i in range(N)]
    assert distance(found.polarization[1], P) < 1e-12
    rho = np.einsum("abcd,ebfd->acef", *[x.reshape((2,) * N) for x in (late, late.conj())])
    p = np.linalg.eigvalsh(rho.reshape(4, 4))
    assert found.beam_entropy[1] == pytest.approx(-np.sum(p * np.log2(p)), abs=1e-11)


def test_pairs_are_exact_for_two():
    system, t = generic(5, 2), [0.5, 2.0, 6.0]
    assert residual(bbgky.evolve(system, t), exact.evolve(system, t)).max() < 1e-9


def test_pairs_are_right_at_short_times():
    """Mean field is off by t^2, pair correlations by t^4 or better."""
    system, t = generic(11, 5), np.array([0.02, 0.04])
    found = exact.evolve(system, t)
    first = np.log2(np.divide(*residual(found, mean_field.evolve(system, t))[::-1]))
    second = np.log2(np.divide(*residual(found, bbgky.evolve(system, t, 1e-14))[::-1]))
    assert first == pytest.approx(2, abs=0.2)
    assert 2.8 < second < 4.2


@pytest.mark.parametrize("difference", [-1.5, -0.5, 0.5])
def test_three_regimes(difference, figure):
    """gamma = sqrt(-d(2 mu + d))/2: mean field is left after ln N/2 gamma; for d > 0 by 1/N."""
    gamma = 0.5 * np.sqrt(max(-difference * (2 + difference), 0))
    t = np.linspace(0, 20, 2001)
    P = {N: beams.evolve(two_beams(N, difference), t).survival[:, 0] for N in (256, 1024)}
    # the code's own linear stability: two |p|, each in one direction; V_s = -omega
    linear = LinearSystem([1, -1], [0.5, 0.5], [[[1, 0], [0, -1]]], 0.5, [1, 1],
                          frequency=[[-0.5 * difference, 0.5 * difference]])  # fmt: skip
    assert linear.growth([0.0])[0] == pytest.approx(gamma, abs=1e-12)
    if gamma == 0:
        assert (1 - P[256].min()) / (1 - P[1024].min()) == pytest.approx(4, rel=0.02)
        return
    later = t[first_minimum(P[1024])] - t[first_minimum(P[256])]
    figure(f"T9 regime {difference}", f"minimum of 4 N later by {later:.3f}, "
           f"ln 4/2 gamma = {np.log(4) / (2 * gamma):.3f}")  # fmt: skip
    assert later == pytest.approx(np.log(4) / (2 * gamma), rel=0.05)
    start = np.array([[1e-5, 0, 1], [-1e-5, 0, -1]])
    start /= np.sqrt((start**2).sum(axis=1))[:, None]
    system = two_beams(2, difference)
    system = SpinSystem(system.count, system.field, start, system.coupling, system.mu)
    across = np.hypot(*mean_field.evolve(system, [8.0, 12.0]).polarization[:, 0, :2].T)
    assert np.log(across[1] / across[0]) / 4 == pytest.approx(gamma, rel=0.01)


def generic_case(tmp_path, antineutrinos: bool, **sections):
    """Four directions, four omega, mixing, matter; P0 = 1 where neutrinos are."""
    numbers = GENERIC[4]["system"]
    momentum = {"directions": numbers["v"], "frequencies": numbers["omega"]}
    terms = {"vacuum": {"mass_splittings": [1.0], "theta": numbers["theta"]},
             "self_interaction": {"mu": numbers["mu"] / 4}}  # fmt: skip
    case = {
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": momentum},
        "flavors": {"antineutrinos": antineutrinos},
        "terms": terms,
        "initial": {"recipe": "modes", "polarization": [0.0] * 4,
                    "modes": [{"direction": 0, "n": 0}]},
        "time": {"end": 5.0, "integrator": "rk8vr", "tolerance": 1e-12},
        "output": {"directory": str(tmp_path / "run"), "fields_every": 0.5},
    }  # fmt: skip
    for key, section in sections.items():
        case.setdefault(key, {}).update(section)
    return make_case(case)


def start_of(modes):
    """A function for set_state: (species, momentum, direction): the P of a neutrino there."""

    def start(species, z, momentum, direction):
        rho = np.zeros((z.size, momentum.size, direction.size, 2, 2), dtype=complex)
        for (name, p, v), P in modes.items():
            if name == species:
                rho[:, p, v] = 0.5 * (np.eye(2) + np.einsum("a,aij->ij", P, PAULI))
        return rho

    return start


UP, DOWN = (0, 0, 1), (0, 0, -1)
NEUTRINOS = {("nu", 0, 0): UP, ("nu", 1, 1): UP, ("nu", 2, 2): DOWN, ("nu", 3, 3): DOWN}
MIXED = {("nu", 0, 0): UP, ("nu", 1, 1): (0.6, 0, -0.8), ("nubar", 2, 2): UP,
         ("nubar", 0, 3): (0, 0.6, 0.8)}  # fmt: skip


@pytest.mark.parametrize(("modes", "matter"), [(NEUTRINOS, None), (MIXED, 0.8)])
def test_the_mean_field_is_the_kinetic_equation(modes, matter, tmp_path, figure):
    """The spins get b, J, mu and their first state from the case; the code runs the case."""
    sections = {} if matter is None else {"terms": {"matter": {"potential": matter}}}
    case = generic_case(tmp_path, matter is not None, **sections)
    start = start_of(modes)
    system = from_case(case, start=start)
    if matter is None:
        given = beams_along(**GENERIC[4]["system"])
        for name in ("field", "spin", "coupling", "mu"):
            assert distance(getattr(system, name), getattr(given, name)) < 1e-14
    with hpcqke.Simulation(case) as sim:
        sim.set_state(start)
        run = sim.run(restart="never", quiet=True)
    with hpcqke.open_run(run.path) as opened:
        rho = opened.fields.rho.transpose("time", "z", "species", "momentum", "direction",
                                          "component").load()  # fmt: skip
    mean = mean_field.evolve(system, rho.time.values).polarization
    off = 0.0
    for k, (species, p, v) in enumerate(sorted(modes, key=lambda m: (m[0] != "nu", *m[1:]))):
        P = rho.values[:, 0, ("nu", "nubar").index(species), p, v, 1:]
        off = max(off, distance(mean[:, k] * (1 if species == "nu" else -1), P))
    figure(f"T9 mean field = QKE, {len(modes)} neutrinos, matter {matter}", f"{off:.1e} (tol 1e-9)")
    assert off < 1e-9


def test_mixtures_and_densities_become_neutrinos_of_both_kinds():
    """Three quarters nu_e of one direction, nu_x of half its density in the other."""
    momentum = {"directions": [1.0, -1.0]}
    initial = {"recipe": "modes", "polarization": [0.5, -0.5], "P0": [1.0, 0.5],
               "modes": [{"direction": 0, "n": 0}]}  # fmt: skip
    case = make_case({
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": momentum}, "initial": initial,
        "terms": {"self_interaction": {"mu": 2.0}}, "time": {"end": 1.0},
    })  # fmt: skip
    system = from_case(case, neutrinos=12)
    assert system.count.tolist() == [6, 2, 4]
    assert system.spin[:, 2].tolist() == [1, -1, -1]
    assert system.mu == pytest.approx(3.0)
    assert system.coupling.tolist() == [[0, 0, 2], [0, 0, 2], [2, 2, 0]]
    with pytest.raises(CaseError, match="neutrinos = 10: the densities ask for"):
        from_case(case, neutrinos=10)


def test_the_shipped_two_beams():
    case = hpcqke.load_case("two_beam", {"initial.sigma": 0.0})
    found = beams.evolve(from_case(case, neutrinos=32), [1.0, 2.5])
    # J_AB = 2: twice as fast
    assert distance(found.survival[:, 0], TWO_BEAMS[32][0][1:3]) < 1e-11



@pytest.mark.parametrize("antineutrinos", [False, True])
def test_azimuths_ranks_and_many_momenta(antineutrinos):
    """from_case compares its mean field with the kinetic equation, or raises."""
    momentum = {"directions": [0.5, -0.2], "weights": [0.4, 0.4], "azimuths": 3, "ranks": 2,
                "frequencies": [-0.3, -0.5], "momenta_weights": [2.0, 2.0]}  # fmt: skip
    case = make_case({
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": momentum},
        "flavors": {"antineutrinos": antineutrinos},
        "terms": {"self_interaction": {"mu": 1.5}, "matter": {"potential": 0.7},
                  "vacuum": {"mass_splittings": [-1.0], "theta": 0.3}},
        "initial": {"recipe": "modes", "polarization": [1.0, -1.0],
                    "modes": [{"direction": 0, "n": 0}]},
        "time": {"end": 1.0},
    })  # fmt: skip
    system = from_case(case)
    assert system.N == 12
    assert system.mu == pytest.approx(1.5 * 2 * 2 * (0.4 + 0.4))
    v, across = [0.5, -0.2], np.sqrt(1 - 0.5**2) * np.sqrt(1 - 0.2**2)
    assert system.coupling[0, 3] == pytest.approx(1 - v[0] * v[1] + 0.5 * across)  # phi = 120 deg
    assert system.field[6] == pytest.approx([-0.5 * np.sin(0.6), 0, 0.5 * np.cos(0.6) + 0.7])


@pytest.mark.parametrize(("overrides", "message"), [
    ({"initial.sigma": 1e-3}, "initial: must be the same at all z"),
    ({"terms.matter.profile": "cosine", "terms.matter.potential": 1.0,
      "terms.matter.amplitude": 0.5, "terms.matter.wave_number": 1}, "terms: must be constant"),
    ({"terms.self_interaction.profile": "exponential", "terms.self_interaction.along": "t",
      "terms.self_interaction.decay_time": 10.0}, "terms: must be constant"),
])  # fmt: skip
def test_cases_that_are_no_spin_system(overrides, message):
    case = hpcqke.load_case("two_beam", {"initial.sigma": 0.0, **overrides})
    with pytest.raises(CaseError, match=message):
        from_case(case)


def test_nothing_moves_without_a_hamiltonian_or_time():
    still = beams_along([1, -1], 0.0, [1, -1], mu=0.0)
    assert exact.evolve(still, [0.0, 1.0]).survival.tolist() == [[1, 1], [1, 1]]
    found = exact.evolve(two_beams(4), [0.0, 1e-200, 1.0, 1.0, 1.0 + 1e-15]).survival[:, 0]
    assert found[:2] == pytest.approx(1, abs=1e-15)
    assert found[2:] == pytest.approx(TWO_BEAMS[4][0][0], abs=1e-11)


def test_what_cannot_be_solved_is_refused():
    with pytest.raises(ValueError, match="N <= 14"):
        exact.evolve(two_beams(16), [1.0])
    with pytest.raises(ValueError, match="N <= 10000"):
        beams.evolve(two_beams(10_002), [1.0])
    with pytest.raises(ValueError, match="b along z"):
        beams.evolve(beams_along([1, -1], 1.0, [1, -1], theta=0.1), [1.0])
    with pytest.raises(ValueError, match="pure nu_e and pure nu_x"):
        beams.evolve(beams_along([1, -1], 1.0, [1, 1]), [1.0])
    with pytest.raises(ValueError, match="not decrease"):
        exact.evolve(two_beams(2), [2.0, 1.0])
    with pytest.raises(ValueError, match="of length"):
        beams_along([1, -1], 1.0, [1, 0])
    with pytest.raises(ValueError, match="integers >= 1"):
        beams_along([1, -1], 1.0, [1, -1], count=0.5)
    with pytest.raises(ValueError, match="not the same times"):
        residual(exact.evolve(two_beams(2), [1.0]), mean_field.evolve(two_beams(2), [2.0]))
    with pytest.raises(NumericsError, match="diverges"):
        list(extrapolation.trajectory(lambda y: y * y, np.ones(1), np.array([2.0]), 1e-10))
