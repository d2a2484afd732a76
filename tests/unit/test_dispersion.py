"""Growth rates of the linearised equations against numbers that were computed independently.

Two-beam and N-beam tables, continuous distributions by the dispersion relation (both branches),
convergence in N_v, spurious modes, slow and collisional instabilities, three flavors.
"""

import numpy as np
import pytest
from distributions import gauss, gaussians, homogeneous, isotropic, legendre, nodes

from hpcqke.analysis import linear
from hpcqke.analysis.doubling import is_spurious
from hpcqke.analysis.linear import LinearSystem, sectors

SYM, BREAK = linear.BRANCHES

TWO_BEAMS = [
    ((0.5, -0.5), 0.0, {-2.5: 0.0, -1.5: 0.866025403784, -1.0: 1.0, -0.2: 0.6, 0.0: 0.0}),
    ((0.5, -0.3), -0.2, {-1.2: 0.663324958071, -0.8: 0.774596669241, -0.3: 0.59160797831}),
]


@pytest.mark.parametrize(("zeta", "real", "table"), TWO_BEAMS)
def test_two_beams(zeta, real, table):
    gamma, omega = LinearSystem([1, -1], np.ones(2), zeta).growth(list(table))
    assert gamma == pytest.approx(np.array(list(table.values())), abs=1e-11)
    assert omega[gamma > 0] == pytest.approx(real, abs=1e-11)


N_BEAMS = [
    ([-0.8, -0.2, 0.5, 0.9], [-0.4, -0.1, 0.2, 0.5], {
        SYM: {-1.0: (0.881859863556, -0.201436649946), -0.6: (0.78227249156, -0.186613589352),
              -0.3: (0.589073190631, -0.174163836886), 0.0: (0.0, None), 0.3: (0.0, None)},
        BREAK: {-1.0: (0.0, None), -0.6: (0.102650631331, -0.175452498086), -0.3: (0.0, None),
                0.0: (0.0, None), 0.3: (0.0, None)}}),
    ([-1.0, 0.0, 1.0], [-0.2, 0.3, -0.2], {
        SYM: {0.0: (0.0, None), 0.2: (0.0, None)}, BREAK: {0.0: (0.0, None), 0.2: (0.0, None)}}),
]  # fmt: skip


@pytest.mark.parametrize(("v", "G", "tables"), N_BEAMS)
def test_beams(v, G, tables):
    system = LinearSystem(v, np.ones(len(v)), G)
    for branch, table in tables.items():
        gamma, omega = system.growth(list(table), branch)
        for found, real, (expected, frequency) in zip(gamma, omega, table.values(), strict=True):
            assert found == pytest.approx(expected, abs=1e-11)
            assert np.isnan(real) if frequency is None else real == pytest.approx(frequency)


DISTRIBUTIONS = {
    "gauss": gaussians,
    "legendre": lambda name: legendre(name, [0.05, 0.6, 0.5]),
    "linear": lambda name: legendre(name, [0.1, 0.8]),
}
# of each branch: k, gamma, Re Omega at the maximum, and gamma at other k
CONTINUOUS = {
    ("gauss", SYM): (0.164054179039, 0.0436833863766, 0.0281592258548,
                     {0.0: 0.0106251194905, 0.05: 0.0, 0.1: 0.0365945417668, 0.2: 0.0421503232505,
                      0.3: 0.0263716673813, 0.36: 0.01171, 0.6: 0.0}),
    ("gauss", BREAK): (-0.0623663632093, 0.00981836791044, -0.165142038791,
                       {0.0: 0.0, 0.1: 0.0, 0.0623663632093: 0.0}),
    ("legendre", SYM): (-0.593768635801, 0.397221644993, -0.16490942557,
                        {-1.5: 0.1644870317, -1.0: 0.338596019538, -0.5: 0.392895227311,
                         -0.2: 0.295097983877, -2.4: 0.0, 0.593768635801: 0.0}),
    ("legendre", BREAK): (-0.229489227778, 0.0775459181683, -0.0504824969566,
                          {-1.5: 0.0, -0.5: 0.0, -0.2: 0.0767372731046}),
    ("linear", SYM): (-0.740189416312, 0.537264637075, -0.120297475569,
                      {-1.0: 0.510607609307, -0.5: 0.508594201586, -2.8: 0.0}),
    ("linear", BREAK): (-0.35291244011, 0.0872941770984, -0.245454384637,
                        {-1.0: 0.0, -0.5: 0.0462336910682}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "branch"), CONTINUOUS)
def test_continuous_distributions(name, branch, figure):
    """64 Gauss-Legendre points are the continuum, but at the edge of a band (k = 0.36)."""
    k, gamma, omega, table = CONTINUOUS[name, branch]
    system = DISTRIBUTIONS[name]("gl64")
    found, real = (float(x[0]) for x in system.growth(k, branch))
    figure(f"T4b {name} {branch}", f"gamma - exact {found - gamma:+.1e} (tol 1e-11)")
    assert found == pytest.approx(gamma, abs=1e-11)
    assert real == pytest.approx(omega, abs=1e-11)
    # the maximum: nearby waves grow less
    assert np.all(system.growth([k - 0.01, k + 0.01], branch)[0] < found)
    others = system.growth(list(table), branch)[0]
    tolerance = np.where(np.array(list(table)) == 0.36, 1e-5, 1e-8)
    assert np.all(np.abs(others - np.array(list(table.values()))) <= tolerance)


CONVERGENCE = {
    ("gauss", SYM): {"gl8": 0.0438420764697, "gl16": 0.0436833135981, "mid8": 0.0447257819474,
                     "mid16": 0.0438528584264, "mid32": 0.0437235628168, "mid64": 0.0436933027707,
                     "mid128": 0.0436858576572},
    ("gauss", BREAK): {"gl8": 0.0109849076491, "gl16": 0.00977963948803, "gl32": 0.00981847776191,
                       "mid8": 0.0110416805316, "mid16": 0.00998711300308,
                       "mid32": 0.00983931983943, "mid128": 0.00981969511876},
    ("legendre", SYM): {"gl8": 0.397221642531, "mid8": 0.395827434289, "mid64": 0.397201143081},
    ("legendre", BREAK): {"gl8": 0.0774339076323, "mid16": 0.0779319036925},
    ("linear", SYM): {"mid8": 0.53134413203, "mid32": 0.536890356167, "mid128": 0.53724122804},
    ("linear", BREAK): {"gl8": 0.0870650296675, "mid64": 0.0873208785129},
}  # fmt: skip


@pytest.mark.parametrize(("name", "branch"), CONVERGENCE)
def test_convergence_with_directions(name, branch):
    """The discrete beams have these rates, one growing root each, and none where it is stable."""
    for rule, gamma in CONVERGENCE[name, branch].items():
        system = DISTRIBUTIONS[name](rule)
        roots = system.roots(CONTINUOUS[name, branch][0], branch, 5)[0]
        assert np.isfinite(roots).sum() == 1
        assert roots[0].imag == pytest.approx(gamma, abs=1e-12)
        assert np.isnan(system.roots({"gauss": 0.6, "legendre": -2.4, "linear": -2.8}[name])[0, 0])


# k: gamma of the continuum, then (gamma, growing roots) of the beams
SPURIOUS = {
    0.0: (0.16, {"mid8": (0.16, 1), "gl16": (0.16, 1), "mid64": (0.16, 1)}),
    0.1: (0.144157898565, {"mid8": (0.144364140969, 6), "mid16": (0.144209100557, 1),
                           "mid32": (0.144170677046, 20), "gl16": (0.144157898565, 6),
                           "gl64": (0.144157898565, 29)}),
    0.3: (0.0483893059542, {"mid16": (0.0483273827352, 12), "gl8": (0.0530064325672, 5),
                            "gl32": (0.0483892933884, 22), "mid64": (0.0483812789724, 45)}),
    0.5: (0.0, {"mid8": (0.0510639477257, 7), "mid16": (0.0255217528576, 13),
                "mid32": (0.0130116806198, 26), "mid64": (0.00687104322129, 51),
                "gl8": (0.0615387586019, 6), "gl16": (0.03616573201, 11),
                "gl32": (0.0130025076307, 17), "gl64": (0.00805966960984, 40)}),
    1.0: (0.0, {"mid8": (0.0574273198759, 7), "mid16": (0.0350296846294, 14),
                "mid32": (0.0144755268103, 21), "mid64": (0.00855541427497, 56),
                "gl8": (0.0718251360987, 7), "gl16": (0.047112607307, 12),
                "gl32": (0.0269077789762, 19), "gl64": (0.00721084534386, 19)}),
}  # fmt: skip


@pytest.mark.parametrize("k", SPURIOUS)
def test_spurious_modes_of_slow_beams(k):
    """T4c: omega = -0.02, alpha = 0.8; doubling tells the spurious from the real."""
    continuum, table = SPURIOUS[k]
    for rule, (gamma, count) in table.items():
        roots = isotropic(rule, -0.02).roots(k, most=128)[0]
        assert roots[0].imag == pytest.approx(gamma, abs=1e-11)
        assert np.sum(roots.imag > 0) == count
    for rule in [rule for rule in table if not rule.endswith("64")]:
        kind, gamma = rule.rstrip("0123456789"), table[rule][0]
        counts = [m * int(rule[len(kind) :]) for m in (2, 3)]
        finer = [isotropic(f"{kind}{count}", -0.02).growth(k)[0] for count in counts]
        assert is_spurious(np.array([gamma]), *finer)[0] == (continuum == 0)


SLOW = {0.3: 0.0, 0.6: 0.276405499222, 1.0: 0.888819441732, 10.0: 4.0, 90.0: 8.94427191,
        170.0: 4.0, 180.0: 0.0, 400.0: 0.0}  # fmt: skip


@pytest.mark.parametrize("mu", SLOW)
def test_bipolar_growth(mu):
    """T3: gamma^2 = |omega| mu (1 + alpha) - omega^2 - mu^2 (1 - alpha)^2/4, inverted ordering."""
    inverted, normal = (homogeneous(1.0, 0.8, mu, omega) for omega in (-1.0, 1.0))
    gamma, real = inverted.growth(0.0)
    assert gamma[0] == pytest.approx(SLOW[mu], abs=1e-9)
    if SLOW[mu]:
        assert real[0] == pytest.approx(-mu / 10)  # of rho: the opposite
    assert normal.growth(0.0)[0][0] == 0
    # a uniform potential shifts Re Omega only: beside the other sign of omega it would not
    shifted = LinearSystem(inverted.v, inverted.weight, inverted.polarization, mu,
                           frequency=inverted.frequency + 7.0)  # fmt: skip
    assert shifted.growth(0.0)[0][0] == pytest.approx(SLOW[mu], abs=1e-6)


def test_an_isotropic_gas_need_not_stay_so():
    """Odd waves ~ v see -mu <v^2>: the normal ordering, stable if kept isotropic, grows by them.

    gamma^2 = mu^2 alpha/9 - (mu (1 + alpha)/6 - omega)^2 (Raffelt & Seixas 2013).
    """
    mu, omega, alpha = 10.0, 1.0, 0.8
    found = isotropic("gl8", omega, alpha, mu).growth(0.0)[0][0]
    expected = np.sqrt(mu**2 * alpha / 9 - (mu * (1 + alpha) / 6 - omega) ** 2)
    assert found == pytest.approx(expected, rel=1e-9)


COLLISIONAL = [
    # mu, omega, (n_e - n_x) and bar, (Gamma_e, Gamma_x), bar, Im Omega
    (300.0, 0.0, 0.7, 0.5, (1.0, 0.0), (0.2, 0.0), 0.899069239322),
    (300.0, 0.0, 0.7, 0.7, (1.0, 0.0), (0.2, 0.0), 6.18228391556),
    (100.0, 0.5, 0.7, 0.6, (1.0, 0.1), (0.2, 0.1), 1.01522172407),
    (1000.0, 0.0, 0.7, 0.5, (0.2, 0.2), (0.2, 0.2), -0.2),
]


@pytest.mark.parametrize(("mu", "omega", "g", "gbar", "rates", "bar", "growth"), COLLISIONAL)
def test_collisional_instability(mu, omega, g, gbar, rates, bar, growth, figure):
    """T6: f_e - f_x and rates through `sectors`, as a case hands them over."""
    diagonal = np.zeros((2, 1, 1, 2))
    diagonal[..., 1] = 0.3
    diagonal[0, ..., 0], diagonal[1, ..., 0] = 0.3 + g, 0.3 + gbar
    energy = np.zeros((2, 1, 2))
    energy[0, 0], energy[1, 0] = (-omega / 2, omega / 2), (omega / 2, -omega / 2)
    system = sectors([0.0], [1.0], diagonal, mu, energy=energy,
                     absorption=[[rates], [bar]])["ex"]  # fmt: skip
    found = system.growth(0.0)[0][0]
    figure(f"T6 {growth:.4g}", f"Im Omega - exact {found - growth:+.1e} (tol 1e-9)")
    assert found == pytest.approx(growth, abs=1e-9)


def test_collisional_instability_of_a_supernova():
    """Rates in 1/s, mu 10^6 times larger: Johns 2021, Emu's test."""
    mu, omega, rate, bar = 577656249038.0, 91136.907232, 718926.757794, 68759.7380734
    numbers = (3e33 - 1e33) / 3e33, (2.5e33 - 1e33) / 3e33
    system = homogeneous(*numbers, mu, omega, rate / 2, bar / 2)
    assert system.growth(0.0)[0][0] == pytest.approx(940855.889447, rel=2e-5)


def test_collisional_instability_of_groups():
    """Three groups: not the mean of their rates, which would give 1.10776."""
    g, bar = np.array([0.2, 0.4, 0.2]), np.array([0.2, 0.3, 0.1])
    G, Gbar = np.array([0.1, 0.4, 1.2]), np.array([0.05, 0.1, 0.3])
    found, real = homogeneous(g, bar, 500.0, 0.0, G, Gbar).growth(0.0)
    assert found[0] == pytest.approx(0.826567911512, abs=1e-9)
    assert real[0] == pytest.approx(-100.014192492, rel=1e-9)
    mean = homogeneous(g, bar, 500.0, 0.0, g @ G / g.sum(), bar @ Gbar / bar.sum())
    assert mean.growth(0.0)[0][0] > 1.05


SCATTERING = [(10.0, 1.0, 0.0333555767), (10.0, 2 * np.pi, 1.35193734), (2.0, 2.5, 1.16931646)]


@pytest.mark.parametrize(("kappa", "k", "decay"), SCATTERING)
def test_scattered_waves_diffuse(kappa, k, decay):
    """T7: waves of an isotropically scattered gas die as kappa - k cot(k/kappa)."""
    v, weight = nodes("gl64")
    system = LinearSystem(v, weight, np.ones((1, 64)), 0.0, scattering=kappa)
    assert system.growth(k)[0][0] == pytest.approx(-decay, abs=1e-8)
    assert system.growth(0.0)[0][0] == pytest.approx(0.0, abs=1e-12)
    # exp(+-i phi) waves have no mean over directions: they only lose
    assert system.growth(k, BREAK)[0][0] == pytest.approx(-kappa)


def test_three_flavors():
    """T8: three pairs, each with its own net distribution; both branches."""
    v, weight = nodes("gl64")
    nu = np.stack([gauss(v, 0.6), 0.35 * gauss(v, 0.45), 0.3 * gauss(v, 0.42)], axis=-1)
    bar = np.stack([0.9 * gauss(v, 0.5), 0.3 * gauss(v, 0.42), 0.3 * gauss(v, 0.42)], axis=-1)
    systems = sectors(v, weight, np.stack([nu, bar]))
    table = {
        ("emu", SYM): (0.143905864186, 0.0601159034191, 0.029635799942),
        ("emu", BREAK): (-0.021274279826, 0.0144867365545, -0.0947145866633),
        ("etau", SYM): (0.164054179039, 0.0436833863766, 0.0281592258548),
        ("etau", BREAK): (-0.0623663632093, 0.00981836791044, -0.165142038791),
    }
    for (pair, branch), (k, gamma, omega) in table.items():
        found, real = systems[pair].growth(k, branch)
        assert found[0] == pytest.approx(gamma, abs=1e-10)
        assert real[0] == pytest.approx(omega, abs=1e-10)
    for branch in linear.BRANCHES:
        assert systems["mutau"].growth(np.linspace(-0.6, 0.8, 29), branch)[0].max() == 0


def test_code_comparison(figure):
    """The field's box (arXiv:2205.06282): rho_ex grows at K, psi = 2 conj(rho_ex) at k = -K."""
    for name, gamma in (("gl200", 0.012711), ("mid200", 0.012713), ("mid100", 0.012719)):
        found = gaussians(name, sigma_bar=0.53).growth(0.1284)[0][0]
        figure(f"4.1 {name}", f"gamma {found:.6f}, others {gamma} (tol 1e-6)")
        assert found == pytest.approx(gamma, abs=1e-6)
    for keys, k, gamma in (((0.9, 0.5), 0.1641, 0.043683), ((1.0, 0.53), 0.1118, 0.058674),
                           ((1.0, 0.5), 0.1654, 0.084375)):  # fmt: skip
        assert gaussians("gl64", *keys).growth([k, -k])[0] == pytest.approx([gamma, 0], abs=1e-6)
    assert gaussians("gl64", 0.9, 0.6).growth(np.linspace(-1, 1, 81))[0].max() == 0
    single, real = gaussians("mid32", sigma_bar=0.53).growth(0.122718)
    assert (single[0], real[0]) == (pytest.approx(0.0126903, abs=5e-8),
                                    pytest.approx(0.020181, abs=1e-6))  # fmt: skip
