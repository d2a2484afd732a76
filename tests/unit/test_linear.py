"""Growth rates and eigenmodes against closed forms and independently computed numbers."""

import numpy as np
import pytest

from hpcqke.analysis.eigenmode import eigenmode, energy_rate
from hpcqke.analysis.linear import (
    LinearSystem,
    central_wavenumber,
    sectors,
    two_beam_growth,
)
from hpcqke.errors import CaseError

BEAMS = np.array([1.0, -1.0])


def two_beams(plus=0.5, minus=-0.5, mu=1.0):
    return LinearSystem(BEAMS, np.ones(2), np.array([plus, minus]), mu)


TABLES = [
    ((0.5, -0.5), {-1: 0.3488780079, -8: 0.8675527514, -16: 0.9999859037, -24: 0.8613780201,
                   -31: 0.3189027417}),
    ((0.7, -0.3), {-2: 0.2748382165, -8: 0.7698362011, -15: 0.9147082573, -24: 0.7628709546,
                   -30: 0.2384399294}),
]  # fmt: skip


@pytest.mark.parametrize(("zeta", "table"), TABLES)
def test_two_beams_match_the_table_and_the_closed_form(zeta, table):
    k = 2 * np.pi * np.array(list(table)) / 100
    gamma, real = two_beams(*zeta).growth(k)
    assert gamma == pytest.approx(np.array(list(table.values())), abs=2e-10)
    assert gamma == pytest.approx(two_beam_growth(k, *zeta), abs=1e-12)
    assert real == pytest.approx(-sum(zeta), abs=1e-12)  # Re Omega = -zeta_+ - zeta_-


def test_stable_outside_the_band_and_on_the_other_side():
    k = np.array([1.0, 0.5, 0.1, -2.1, -5.0])
    gamma, real = two_beams().growth(k)
    assert np.all(gamma == 0)
    assert np.all(np.isnan(real))
    assert two_beams(0.5, 0.4).growth(np.linspace(-3, 3, 31))[0].max() == 0


def test_four_beams():
    system = LinearSystem([1, 0.5, -0.5, -1], np.ones(4), [0.4, 0.2, -0.25, -0.35])
    gamma, _ = system.growth(2 * np.pi * np.array([-1, -2, -3, -4]) / (8 * np.pi))
    table = [0.614440166705, 0.822524912413, 0.932409884555, 0.976727142106]
    assert gamma == pytest.approx(np.array(table), abs=1e-11)


def test_legendre_distribution_in_the_continuum():
    """ELN .1 + .8 v: gamma_max of the axially symmetric branch, from the dispersion relation."""
    v, w = np.polynomial.legendre.leggauss(24)
    gamma, real = LinearSystem(v, w, 0.1 + 0.8 * v).growth(-0.740189)
    assert gamma[0] == pytest.approx(0.537264637, abs=1e-6)
    assert real[0] == pytest.approx(-0.1202975, abs=1e-5)


def test_units_of_mu():
    k = np.linspace(-2, 0, 21)
    assert two_beams(mu=3.0).growth(3 * k)[0] == pytest.approx(3 * two_beams().growth(k)[0])


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_central_wavenumber_is_the_stencil_on_a_wave(order):
    from hpcqke.analysis.linear import CENTRAL

    k, h = np.array([0.3, -1.1, 2.0]), 0.4
    stencil = sum(
        c * (np.exp(1j * k * h * m) - np.exp(-1j * k * h * m))
        for m, c in enumerate(CENTRAL[order], 1)
    )
    assert central_wavenumber(k, h, order) == pytest.approx((stencil / (1j * h)).real, abs=1e-14)
    errors = [abs(central_wavenumber(0.5, h, order) - 0.5) for h in (0.8, 0.4)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_antineutrinos_as_separate_waves_grow_like_the_net_wave():
    rng = np.random.default_rng(3)
    v, w = np.polynomial.legendre.leggauss(6)
    system = LinearSystem(v, w, rng.normal(size=(2, 6)))
    k = np.linspace(-4, 4, 9)
    species = system.species_modes(k).gamma
    net = LinearSystem(v, w, system.net)
    assert species == pytest.approx(net.species_modes(k).gamma, abs=1e-9)
    assert species.max() > 0.1


def rhs(P, system, k_of_grid):
    """dP/dt of the full nonlinear equation, spectral in z; P (S, Nv, 3, nz)."""
    derivative = np.fft.ifft(1j * k_of_grid * np.fft.fft(P, axis=-1), axis=-1).real
    net = P[0] - P[1:].sum(axis=0)
    coupling = system.mu * system.weight * system.kernel()
    W = np.einsum("bc,ciz->biz", coupling, net)
    return np.cross(W, P, axisa=1, axisb=2, axisc=2) - system.v[:, None, None] * derivative


@pytest.mark.parametrize("species", [1, 2])
def test_eigenmode_grows_and_takes_its_energy(species):
    """Nonlinear evolution by RK4: the wave grows as exp(-i Omega t), U_osc as normalised."""
    pz = np.array([[0.4, 0.2, -0.25, -0.35], [0.1, -0.1, 0.05, 0.0]])[:species]
    system = LinearSystem([1, 0.5, -0.5, -1], np.ones(4), pz)
    L, nz, n, alpha, t, steps = 8 * np.pi, 16, -3, 1e-5, 2.0, 100
    z, k = np.arange(nz) * L / nz, 2 * np.pi * n / L
    a, omega = eigenmode(system, k, alpha)
    psi = a[..., None] * np.exp(1j * k * z)
    P = np.stack([psi.real, psi.imag, np.broadcast_to(pz[..., None], psi.shape)], axis=2)
    grid_k = 2 * np.pi * np.fft.fftfreq(nz, L / nz)

    def energy(P):
        net = P[0] - P[1:].sum(axis=0)
        M, F = (np.einsum("b,biz->iz", system.weight * system.v**m, net) for m in (0, 1))
        return 0.25 * system.mu * np.sum(M**2 - F**2) * L / nz

    before, h = energy(P), t / steps
    for _ in range(steps):
        k1 = rhs(P, system, grid_k)
        k2 = rhs(P + h / 2 * k1, system, grid_k)
        k3 = rhs(P + h / 2 * k2, system, grid_k)
        P = P + h / 6 * (k1 + 2 * k2 + 2 * k3 + rhs(P + h * k3, system, grid_k))
    now = P[:, :, 0] + 1j * P[:, :, 1]
    assert now == pytest.approx(psi * np.exp(-1j * omega * t), rel=1e-6, abs=1e-10)
    expected = 2 * k**2 * L * alpha**2 * (np.exp(2 * omega.imag * t) - 1)
    assert abs(energy(P) - before) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("n", "total", "transverse"),
    [(-7, 1.2691692525e-5, -5.4392968e-6), (-10, 3.744725648e-5, 0.0)],
)
def test_eigenmode_normalisation_of_two_beams(n, total, transverse):
    """Total and transverse (Eq. 12) part of the energy change at t = 4, alpha = 1e-5."""
    L, alpha, t, zeta = 20 * np.pi, 1e-5, 4.0, 0.5
    k, k_bar = 2 * np.pi * n / L, -1.0
    a, omega = eigenmode(two_beams(zeta, -zeta), k, alpha)
    growth = np.exp(2 * omega.imag * t) - 1
    assert 2 * k**2 * L * alpha**2 * growth == pytest.approx(total, rel=1e-8)
    assert abs(a[0, 0]) ** 2 == pytest.approx(4 * abs(k) * zeta * alpha**2, rel=1e-12)
    assert a[0, 0].imag == 0
    assert a[0, 0].real > 0
    wave = L * (np.conj(a[0, 0]) * a[0, 1]).real * growth
    assert wave == pytest.approx(2 * k * (k - k_bar) * L * alpha**2 * growth, rel=1e-9, abs=1e-16)
    assert wave == pytest.approx(transverse, rel=1e-7, abs=1e-16)
    assert energy_rate(two_beams(), k, a) * L == pytest.approx(
        4 * omega.imag * k**2 * L * alpha**2, rel=1e-10
    )


def test_eigenmode_refuses_what_does_not_grow():
    for k in (1.0, 0.0):
        with pytest.raises(CaseError, match="does not grow"):
            eigenmode(two_beams(), k, 1e-5)


def test_three_flavor_sectors():
    """T: sectors of three flavors, net ELN of each pair, Gauss-Legendre 48 directions."""
    v, w = np.polynomial.legendre.leggauss(48)

    def number(sigma):
        shape = np.exp(-((v - 1) ** 2) / (2 * sigma**2))
        return shape / np.sum(w * shape)

    nu = np.stack([number(0.6), 0.35 * number(0.45), 0.3 * number(0.42)], axis=-1)
    nubar = np.stack([0.9 * number(0.5), 0.30 * number(0.42), 0.3 * number(0.42)], axis=-1)
    system = sectors(v, w, np.stack([nu, nubar]))
    assert list(system) == ["emu", "etau", "mutau"]
    assert system["emu"].growth(0.143906)[0][0] == pytest.approx(0.0601159034, abs=1e-6)
    assert system["etau"].growth(0.164054)[0][0] == pytest.approx(0.0436833864, abs=1e-6)
    assert system["mutau"].growth(np.linspace(-0.3, 0.3, 13))[0].max() < 1e-6
