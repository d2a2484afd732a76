"""Beyond mean field: exact spins, two beams, BBGKY-2 against independent numbers (T9)."""

import numpy as np
import pytest
from manybody_numbers import GENERIC, T_GENERIC, T_VACUUM, TWO_BEAMS, VACUUM, T

from hpcqke.analysis.linear import LinearSystem
from hpcqke.errors import NumericsError
from hpcqke.manybody import (
    SpinSystem,
    bbgky,
    beams,
    beams_along,
    chebyshev,
    closed_forms,
    exact,
    extrapolation,
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


def test_the_propagator_has_its_phase():
    random = np.random.default_rng(8)
    H = random.normal(size=(6, 6)) + 1j * random.normal(size=(6, 6))
    H = H + H.conj().T + 3 * np.eye(6)
    energy, vectors = np.linalg.eigh(H)
    for t in (1e-12, 0.2, 5.0, 300.0):
        found = chebyshev.propagate(lambda x: H @ x, (-20.0, 25.0), np.eye(6)[0], t)
        assert distance(found, (vectors * np.exp(-1j * energy * t)) @ vectors[0].conj()) < 1e-11


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


def test_kinds_are_as_good_as_one_by_one():
    """Three of a kind, one and two; only the mean field makes use of kinds."""
    system = beams_along([0.9, -0.3, 0.1], [1.0, 0.4, -0.6], [1, -1, 1], 0.3, 2.0, (3, 1, 2))
    one = mean_field.evolve(system, [1.0, 4.0])
    assert residual(one, mean_field.evolve(system.one_by_one(), [1.0, 4.0])).max() < 1e-11


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
