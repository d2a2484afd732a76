"""The recipe `distribution`: shapes and spectra by name, seeds, flavors, species, bad input."""

from types import SimpleNamespace

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.case import make_case
from hpcqke.errors import CaseError
from hpcqke.grids import MomentumGrid
from hpcqke.initial import angular
from hpcqke.initial.distribution import Distribution
from hpcqke.state import to_matrix

CELLS, LENGTH = 24, 6.0
Z = -LENGTH / 2 + LENGTH / CELLS * np.arange(CELLS)
GAUSS = {"rule": "gauss-legendre", "count": 6}
V, W = np.polynomial.legendre.leggauss(6)
E = [{"angular": "gaussian", "width": 0.6}]
BAR = [{"species": "nubar", "density": 0.9, "angular": "gaussian", "width": 0.5}]


def case_of(populations, flavors=2, momentum=None, antineutrinos=True, terms=None, **initial):
    return make_case({
        "name": "distribution",
        "grid": {"z": {"length": LENGTH, "cells": CELLS}, "momentum": momentum or GAUSS},
        "flavors": {"count": flavors, "antineutrinos": antineutrinos},
        "terms": terms or {"advection": {}, "self_interaction": {}},
        "initial": {"recipe": "distribution", "populations": populations, **initial},
        "time": {"end": 1.0},
    })  # fmt: skip


def filled(case) -> np.ndarray:
    """rho as matrices (z, momentum, direction, species, N_f, N_f)."""
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        return to_matrix(sim.state())


SHAPES = {
    "isotropic": ({}, 0.0),
    "linear": ({"flux_factor": -0.2}, -0.2),
    "gaussian": ({"center": 1.0, "width": 0.6}, None),
    "von-mises": ({"kappa": -2.0}, -(1 / np.tanh(2) - 0.5)),
    "maximum-entropy": ({"flux_factor": 0.7}, 0.7),
    "legendre": ({"coefficients": (0.5, 0.3, 0.1)}, 0.2),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_normalised_in_the_continuum(name):
    """int f dv = 1 and <v>, by 64 points of Gauss and Legendre; a Gaussian by its formula."""
    keys, flux = SHAPES[name]
    f = angular.shape(name, SimpleNamespace(**keys))
    v, w = np.polynomial.legendre.leggauss(64)
    assert np.sum(w * f(v)) == pytest.approx(1, abs=1e-13)
    if flux is not None:
        assert np.sum(w * v * f(v)) == pytest.approx(flux, abs=1e-13)
    else:
        assert f(0.2) / f(1.0) == pytest.approx(np.exp(-0.32 / 0.36), rel=1e-14)


@pytest.mark.parametrize("flux", [-0.9999, -0.5, -1e-6, 0.0, 1e-3, 0.33, 0.98, 0.9999])
def test_the_flux_factor_of_maximum_entropy(flux):
    """coth kappa - 1/kappa; kappa = 3 F where F is small."""
    kappa = angular.minerbo(flux)
    if abs(flux) < 1e-2:
        assert kappa == pytest.approx(3 * flux * (1 + 0.6 * flux**2), abs=1e-12)
    else:
        assert 1 / np.tanh(kappa) - 1 / kappa == pytest.approx(flux, abs=1e-12)
    v, w = np.polynomial.legendre.leggauss(400)
    assert np.sum(w * angular.von_mises(kappa)(v)) == pytest.approx(1, abs=1e-9)


def test_species_and_flavors_of_two(figure):
    """rho_ee of nu is the Gaussian of .6, of nubar .9 that of .5; x is where it was put."""
    from math import erf, sqrt

    rho = filled(case_of([*E, *BAR, {"flavor": "x", "density": 0.3}]))[0, 0]
    for s, (n, width) in enumerate(((1.0, 0.6), (0.9, 0.5))):
        N = sqrt(np.pi / 2) * width * erf(2 / (sqrt(2) * width))
        exact = n * np.exp(-((V - 1) ** 2) / (2 * width**2)) / N
        assert np.abs(rho[:, s, 0, 0] - exact).max() < 1e-15
    assert np.abs(rho[:, 0, 1, 1] - 0.15).max() < 1e-16
    assert np.abs(rho[:, 1, 1, 1]).max() == 0


def test_azimuths_share_the_density():
    """sum over all modes is the density, with the weights w_v/N_phi; tables repeat at each phi."""
    table = {"angular": "table", "values": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}
    case = case_of([*E, {"flavor": "x", **table}], momentum={**GAUSS, "azimuths": 4})
    grid = MomentumGrid.from_case(case.grid.momentum)
    rho = filled(case)[0, 0, :, 0]
    assert np.sum(grid.v_weight * rho[:, 1, 1].real) == pytest.approx(np.sum(W * table["values"]))
    assert np.abs(rho[:6] - rho[6:12]).max() == 0
    assert rho[:, 0, 0].real == pytest.approx(angular.gaussian(1.0, 0.6)(np.tile(V, 4)), abs=1e-15)


BINS = {"momenta": [1.0, 2.0, 4.0], "momenta_weights": [0.5, 1.0, 3.0], **GAUSS}
P, WP = np.array(BINS["momenta"]), np.array(BINS["momenta_weights"])
SPECTRA = {
    "uniform": ({}, np.ones(3)),
    "box": ({"spectrum_range": [1.5, 4.0]}, np.array([0, 1, 1])),
    "fermi-dirac": ({"temperature": 1.5, "eta": 0.7}, P**2 / (np.exp(P / 1.5 - 0.7) + 1)),
    "table": ({"spectrum_values": [3.0, 0.0, 1.0]}, np.array([3.0, 0.0, 1.0])),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_spectra(name):
    """sum_p w_p S_p = 1 in the given proportions."""
    keys, exact = SPECTRA[name]
    one = {"density": 0.8, "spectrum": name, **keys}
    rho = filled(case_of([one], momentum=BINS))[0, :, 0, 0, 0, 0].real
    assert rho == pytest.approx(0.4 * exact / np.sum(WP * exact), abs=1e-15)


def test_spectrum_on_shells_leaves_the_measure_to_the_weights():
    """On a (p, v) grid the weights have p^2: the spectrum is the occupation itself."""
    shells = {"rule": "uniform", "count": 4, "offset_range": [-2, 2], "offset_cells": 5, "p0": 6.0}
    keys = {"spectrum": "fermi-dirac", "temperature": 2.0}
    rho = filled(case_of([keys], momentum=shells))[0, :, 0, 0, 0, 0].real
    p = 6 + np.array([-1.6, -0.8, 0, 0.8, 1.6])
    occupation = 1 / (np.exp(p / 2) + 1)
    assert rho / rho[0] == pytest.approx(occupation / occupation[0], rel=1e-13)


def test_spectrum_over_frequencies():
    """Fermi and Dirac per d omega = dm2/(2 p^2) dp: p^4/(exp(p/T) + 1)."""
    bins = {**GAUSS, "frequency_range": [0.5, 2.0], "frequency_cells": 3}
    keys = {"spectrum": "fermi-dirac", "temperature": 0.4}
    vacuum = {"vacuum": {"mass_splittings": [2.0], "theta": 0.3}}
    rho = filled(case_of([keys], momentum=bins, terms=vacuum))[0, :, 0, 0, 0, 0].real
    p = 1 / np.array([0.75, 1.25, 1.75])
    exact = p**4 / (np.exp(p / 0.4) + 1)
    assert rho == pytest.approx(0.5 * exact / (0.5 * exact.sum()), rel=1e-13)


SEEDS = {
    "tilt": ({}, lambda z, v: 0.01 + 0 * z * v),
    "velocity": ({}, lambda z, v: 0.01 * v + 0 * z),
    "bump": ({"width": 0.7}, lambda z, v: 0.01 * np.exp(-(z**2) / 0.98) + 0 * v),
    "sinusoid": ({"wave_number": 2}, lambda z, v: 0.01 * np.sin(4 * np.pi * z / LENGTH) + 0 * v),
}


@pytest.mark.parametrize("name", SEEDS)
def test_seeds(name):
    """P = (n_e - n_x) (a, 0, sqrt(1 - a^2)) of nu and nubar, rho_ex = (n_e - n_x) a/2."""
    keys, shape = SEEDS[name]
    populations = [*E, *BAR, {"flavor": "x", "density": 0.3}]
    n = filled(case_of(populations))[0, 0]
    rho = filled(case_of(populations, perturbation=name, amplitude=0.01, **keys))[:, 0]
    a = shape(Z[:, None, None], V[None, :, None])
    g = (n[..., 0, 0] - n[..., 1, 1]).real
    assert np.abs(rho[..., 0, 1] - g * a / 2).max() < 1e-16
    assert np.abs(rho[..., 0, 0] - rho[..., 1, 1] - g * np.sqrt(1 - a**2)).max() < 1e-15
    assert np.abs(np.trace(rho, axis1=-2, axis2=-1) - np.trace(n, axis1=-2, axis2=-1)).max() < 1e-15


def test_random_seed_has_the_listed_spectrum():
    """|a_n| = e/|n| for 0 < |n| <= nmax, none beyond; both signs of n have phases of their own."""
    rho = filled(case_of(E, perturbation="random", amplitude=1e-4, nmax=5))
    f = angular.gaussian(1.0, 0.6)(V)
    a = np.fft.fft(2 * rho[:, 0, :, 0, 0, 1].conj() / f, axis=0) / CELLS
    for n in range(-11, 12):
        size = 1e-4 / abs(n) if 0 < abs(n) <= 5 else 0.0
        assert np.abs(a[n]) == pytest.approx(size, abs=1e-15)
    shift = np.exp(2j * np.pi * Z[0] * np.arange(1, 6) / LENGTH)
    turn = np.angle(a[1:6, 0] / shift) / (2 * np.pi) % 1
    back = np.angle(a[-1:-6:-1, 0] * shift) / (2 * np.pi) % 1
    stream = np.random.Generator(np.random.Philox(1)).random((5, 2))
    assert np.abs(turn - stream[:, 0]).max() < 1e-9
    assert np.abs(back - stream[:, 1]).max() < 1e-9


def test_one_species_may_be_left_alone():
    rho = filled(case_of([*E, *BAR], perturbation="tilt", amplitude=0.1, perturbed="nubar"))[0, 0]
    assert np.abs(rho[:, 0, 0, 1]).max() == 0
    assert np.abs(rho[:, 1, 0, 1]).min() > 0


def test_seeds_of_three_flavors():
    """One pair turns as two flavors do; all pairs: U diag(n) U^dagger with A_ab = -w conj(a)/2."""
    populations = [*E, {"flavor": "mu", "density": 0.3}, {"flavor": "tau", "density": 0.1}]
    keys = {"perturbation": "random", "amplitude": 0.1, "nmax": 3}  # real and imaginary
    three = filled(case_of(populations, 3, pairs=[1, 0, 0], **keys))
    two = filled(case_of([*E, {"flavor": "x", "density": 0.3}], **keys))
    assert np.abs(three[..., :2, :2] - two).max() < 4e-15
    assert np.abs(three[..., 2, :2]).max() < 1e-16
    rho = filled(case_of(populations, 3, perturbation="random", amplitude=1e-5, nmax=3))
    n = [np.diagonal(rho, axis1=-2, axis2=-1).real[..., i] for i in range(3)]
    a = 2 * rho[..., :1, 0, 1].conj() / (n[0] - n[1])[..., :1]
    small = n[0] - n[1] > 0.1  # of nu, where they differ
    for i, j in ((0, 2), (1, 2)):
        off = rho[..., i, j] - (n[i] - n[j]) * a.conj() / 2
        assert np.abs(off[small]).max() < 1e-9
    assert np.abs(rho[..., 0, 2][small].imag).max() > 1e-6
    eigenvalues = np.linalg.eigvalsh(rho[..., 0, :, :])
    assert np.abs(eigenvalues - np.sort(np.stack([x[..., 0] for x in n], -1))).max() < 1e-9


def test_diagonal_on_a_finer_grid():
    """What the stability of twice as many directions needs: the same continuum."""
    case = case_of([*E, *BAR])
    finer = MomentumGrid.from_case(case_of(E, momentum={**GAUSS, "count": 12}).grid.momentum)
    n = Distribution.diagonal(case.initial, case, finer)
    assert n.shape == (2, 1, 12, 2)
    assert n[1, 0, :, 0] == pytest.approx(0.9 * angular.gaussian(1.0, 0.5)(finer.v), abs=1e-15)


def test_growth_rate_of_the_field_s_gaussians(figure):
    """T4b: 0.0436833864 at k = 0.164054, from the case as it is, with 24 directions."""
    system = linear_systems(case_of([*E, *BAR], momentum={**GAUSS, "count": 24}))["ex"]
    gamma = system.growth(np.array([0.164054, -0.164054]))[0]
    figure("T4b", f"gamma {gamma[0]:.10f} of 0.0436833864, {gamma[1]} at -k (tol 1e-8)")
    assert gamma[0] == pytest.approx(0.0436833864, abs=1e-8)
    assert gamma[1] == 0


NEGATIVE = {"angular": "legendre", "coefficients": [0.1, 0.8]}


def test_net_number_may_be_negative():
    """net = true: the lepton number .1 + .8 v itself."""
    rho = filled(case_of([NEGATIVE], antineutrinos=False, net=True))
    assert rho[0, 0, :, 0, 0, 0].real == pytest.approx(0.1 + 0.8 * V, abs=1e-15)
    with pytest.raises(CaseError, match=r"is negative at v = -0\.9"):
        case_of([NEGATIVE], antineutrinos=False)


@pytest.mark.parametrize(
    ("populations", "keys", "fault"),
    [
        ([{"angular": "gaussian"}], {}, r"populations\[0\].width: missing"),
        ([{"angular": "gausian"}], {}, 'did you mean "gaussian"'),
        ([{"width": 0.5}], {}, "must be left out, angular"),
        ([{"flavor": "mu"}], {}, "flavor = \"mu\": must be one of e, x"),
        ([{"angular": "table", "values": [1.0]}], {}, "must have 6 numbers"),
        ([{"spectrum": "table", "spectrum_values": [1, 2]}], {}, "must have 1 numbers"),
        ([{"spectrum": "box", "spectrum_range": [2, 3]}], {}, "must have a momentum in it"),
        ([{"angular": "linear", "flux_factor": 0.5}], {}, "is negative at v"),
        ([{}], {"perturbation": "bump", "amplitude": 0.1}, "initial.width: missing"),
        ([{}], {"amplitude": 0.1}, "amplitude = 0.1: must be left out"),
        ([{}], {"net": True}, "net = true: needs flavors.antineutrinos = false"),
        ([{}], {"pairs": [1, 1, 1]}, "pairs = .*: must be left out for 2 flavors"),
        ([{}], {"perturbation": "random", "amplitude": 0.1, "nmax": 13}, "must be <= 12"),
        ([], {}, "initial.populations"),
    ],
)  # fmt: skip
def test_malformed(populations, keys, fault):
    with pytest.raises(CaseError, match=fault):
        case_of(populations, **keys)


def test_seeds_that_add_up_to_more_than_one_are_refused():
    case = case_of(E, perturbation="random", amplitude=1.0, nmax=9)
    with pytest.raises(CaseError, match=r"add up to .* must be <= 1"):
        filled(case)
