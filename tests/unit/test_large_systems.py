"""Sums of waves, branches and SLEPc against plain matrices of all species, momenta and angles."""

import sys

import numpy as np
import pytest
from distributions import gaussians

from hpcqke.analysis import krylov, linear
from hpcqke.analysis.linear import LinearSystem
from hpcqke.errors import CaseError


def noisy(lossy: bool, Np=3, nv=10, seed=5, azimuths=0) -> LinearSystem:
    """Any numbers: two species, momenta, frequencies; with losses also collisions."""
    rng = np.random.default_rng(seed)
    v, weight = np.polynomial.legendre.leggauss(nv)
    rates = {"frequency": 0.2 * rng.normal(size=(2, Np))}
    if lossy:
        rates |= {"damping": 0.1 * rng.random((2, Np)), "scattering": 0.3 * rng.random((2, Np))}
    pz = rng.normal(size=(2, Np, nv))
    return LinearSystem(v, weight, pz, 0.7, rng.random(Np), azimuths=azimuths, **rates)


@pytest.mark.parametrize("lossy", [False, True])
def test_summed_waves_have_the_roots_of_all_waves(lossy):
    system, k = noisy(lossy), np.array([-0.4, 0.0, 0.9])
    every = system.species_modes(k).omega
    summed = system.roots(k, most=60)
    assert summed.shape == every.shape
    assert summed[:, 0] == pytest.approx(every[:, 0], abs=1e-9)
    if lossy:
        assert np.sort(summed.imag) == pytest.approx(np.sort(every.imag), abs=1e-8)
    # the same species twice: one block less of waves, the same growth
    same = LinearSystem(system.v, system.weight, system.polarization, 0.7, system.p_weight)
    assert (same.size, system.size) == (10, 60)
    assert same.growth(k)[0] == pytest.approx(same.species_modes(k).gamma, abs=1e-8)


@pytest.mark.parametrize("azimuths", [2, 3, 4, 7])
def test_branches_are_those_of_all_directions(azimuths):
    """Every direction (v, phi) with 1 - n.n', no symmetry used, against the two branches."""
    system = noisy(False, Np=1, nv=6, azimuths=azimuths)
    v, phi = np.meshgrid(system.v, 2 * np.pi * np.arange(azimuths) / azimuths)
    across = np.sqrt(1 - v**2)
    n = np.stack([across * np.cos(phi), across * np.sin(phi), v], axis=-1).reshape(-1, 3)
    weight = np.tile(system.weight * system.p_weight, azimuths) / azimuths
    pz = np.tile(system.polarization[:, 0], azimuths)
    full = np.einsum("s,su->u", [1, -1], pz)
    coupling = 0.7 * (1 - n @ n.T) * weight
    k, rows = 0.3, pz.size
    matrix = np.einsum("su,uw,t->sutw", pz, coupling, [1.0, -1.0]).reshape(rows, rows)
    own = k * np.tile(n[:, 2], 2) - np.tile(coupling @ full, 2)
    own = own - np.repeat(system.frequency[:, 0], n.shape[0])
    roots = np.linalg.eigvals(matrix + np.diag(own))
    for branch in linear.BRANCHES:
        found = system.roots(k, branch, 12)[0]
        found = found[np.isfinite(found)]
        assert found.size
        for omega in found:
            assert np.abs(roots - omega).min() < 1e-10
    grows = np.concatenate([system.roots(k, b, 12)[0] for b in linear.BRANCHES])
    assert roots.imag.max() == pytest.approx(np.nanmax(grows.imag), abs=1e-10)


def has_slepc() -> bool:
    try:
        krylov.slepc()
    except CaseError:
        return False
    return True


@pytest.mark.parametrize("branch", linear.BRANCHES)
@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.skipif(not has_slepc(), reason="SLEPc is optional")
def test_slepc_finds_the_roots_of_the_dense_matrix(branch, lossy, figure):
    worst = 0.0
    for seed in range(2):
        for system in (noisy(lossy, Np=4, nv=24, seed=seed), gaussians("gl32")):
            for k in (-0.06, 0.1, 0.3):
                dense = system.roots(k, branch, 4)[0]
                dense = dense[dense.imag > 0.02 * system.bandwidth]
                found = krylov.growing_roots(system, k, branch)
                assert found.size >= dense.size
                worst = max(worst, *np.abs(found[: dense.size] - dense), 0.0)
    figure(f"SLEPc {branch} {'lossy' * lossy}", f"max |Omega - dense| {worst:.1e} (tol 1e-7)")
    assert worst < 1e-7


def test_large_systems_go_to_slepc_or_say_what_is_missing(monkeypatch):
    monkeypatch.setattr(linear, "DENSE", 10)
    system = gaussians("gl16")
    if has_slepc():
        k = np.array([0.164054179039, 0.02])
        gamma, real = system.growth(k)
        assert gamma == pytest.approx([0.0436833135981, 0.0], abs=1e-8)
        assert np.isnan(real[1])
    monkeypatch.setitem(sys.modules, "slepc4py", None)
    with pytest.raises(CaseError, match="apt-get install python3-slepc4py-real"):
        system.growth(0.164)
