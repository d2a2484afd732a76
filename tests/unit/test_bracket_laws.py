"""What the gradient terms conserve, exactly, whatever the step in z and momentum."""

from __future__ import annotations

import numpy as np
import pytest
from bracket_problem import DZ, MODULES, Problem
from kernel_layouts import to_matrix

from hpcqke.kernels.kinetic import DIFFERENCE


def traces(x: np.ndarray) -> np.ndarray:
    """Tr rho of components."""
    return x[..., 0] if x.shape[-1] == 4 else x[..., :3].sum(axis=-1)


def closed(nflavors: int, species: int, kind: str) -> tuple[Problem, np.ndarray]:
    """A problem that is periodic in z and zero at the ends of the momenta; the modes' weights."""
    p = Problem(nflavors, species, 4, kind, momenta=12, directions=8, nz=16, order=4)
    p.natural[:, :3] = p.natural[:, 9:] = 0
    p.natural[:p.w], p.natural[-p.w:] = p.own[-p.w:], p.own[:p.w]
    edges, v_edges = np.linspace(0, 3, 13), np.linspace(-1, 1, 9)
    volumes = np.outer(np.diff(edges**3) / 3, np.diff(v_edges))
    return p, volumes if kind == "volumes" else np.ones((12, 2))


CLOSED = pytest.mark.parametrize(("nflavors", "species", "kind"), [
    (nflavors, species, kind) for nflavors in (2, 3) for species in (1, 2)
    for kind in ("axis-2", "axis-4", "volumes")])


@MODULES
@CLOSED
def test_number_and_skew_symmetry(module, nflavors, species, kind):
    """sum Tr force = 0 in each row and species; sum Tr(tau X(rho o h)) = -sum Tr(X tau rho o h)."""
    p, weight = closed(nflavors, species, kind)
    force = p.to_natural(p.force(module))
    scale = 1e-15 * np.abs(force).sum()
    number = np.einsum("pd,zpds->zs", weight, traces(force))
    np.testing.assert_allclose(number, 0, atol=scale)
    tau = np.random.default_rng(9).uniform(-1, 1, p.own.shape)
    slope = to_matrix(p.sign * np.moveaxis(p.X(np.moveaxis(tau, 0, 2)), 2, 0))
    rho = to_matrix(p.own)
    h = to_matrix((p.dA[:, None] - p.v[:, None] * p.dB[:, None])[:, None, :, None])
    product = (rho @ h + h @ rho) / 2
    left = np.einsum("pd,zpdsab,zpdsba->", weight, to_matrix(tau), to_matrix(force))
    right = np.einsum("pd,zpdsab,zpdsba->", weight, slope, product)
    assert abs(left) > 1e6 * scale
    assert left == pytest.approx(-right, abs=10 * scale)


@MODULES
@CLOSED
def test_energy(module, nflavors, species, kind):
    """With h = eps +- Omega, Omega = A - v B, the rates of sum eps Tr rho and +-sum Tr(Omega rho)
    add up to zero if rho is carried with the velocity X eps and the drift is X v."""
    p, weight = closed(nflavors, species, kind)
    A, B = np.random.default_rng(8).uniform(-1, 1, (2, p.nz, p.C))
    p.dA, p.dB = periodic_slope(A, p.w), periodic_slope(B, p.w)
    p.B, p.speed = np.concatenate([B[-p.w:], B, B[:p.w]]), p.X.drift
    force, drift = p.to_natural(p.force(module)), p.to_natural(p.drift(module))
    carried = -p.X.speed[..., None, None] * periodic_slope(p.own, p.w)
    kinetic = np.einsum("pd,zpds->", weight * p.X.energy, traces(force))
    omega = to_matrix(A[:, None] - p.v[:, None] * B[:, None])
    refractive = np.einsum("pd,zdab,zpdsba->", weight, omega,
                           to_matrix(p.sign * (carried + force + drift))).real
    assert abs(kinetic) > 0.1
    assert kinetic + refractive == pytest.approx(0, abs=1e-14 * np.abs(force).sum())


def periodic_slope(f: np.ndarray, w: int) -> np.ndarray:
    """D_z f along the first axis."""
    return sum(c * (np.roll(f, -m, 0) - np.roll(f, m, 0))
               for m, c in enumerate(DIFFERENCE[w], start=1)) / DZ
