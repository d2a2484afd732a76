"""Collisions never lower the entropy and keep rho and 1 - rho positive, where they are bound to."""

import numpy as np
import pytest
from collisional import MOMENTA, RATES, case_of, evolve, gas, hermitian, table, uniform


def entropy(rho: np.ndarray, eq: np.ndarray | None = None) -> float:
    """int sum Tr s(rho), with a bath also Tr rho ln(rho_eq/(1 - rho_eq)), what the bath gains."""
    n = np.linalg.eigvalsh(rho)
    s = -np.sum(n * np.log(n) + (1 - n) * np.log1p(-n), axis=-1)
    if eq is not None:
        s = s + np.einsum("zpdsii,psi->zpds", rho.real, np.log(eq / (1 - eq)))
    weight = np.polynomial.legendre.leggauss(5)[1]
    return float(np.einsum("zpds,p,d->", s, MOMENTA["momenta_weights"], weight))


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("kind", ["bath", "oscillations and a bath", "oscillations and scattering"])
def test_the_entropy_never_falls(kind, flavors, figure):
    """Neutrinos and bath, with any rates; with oscillations if no flavor is preferred."""
    rates = {k: v for k, v in RATES[flavors].items() if "scattering" not in k}
    eq, terms = table("equilibrium", flavors), {}
    if kind != "bath":
        terms = {"self_interaction": {"mu": 3.0}}
        alike = [[0.3] * flavors, [0.6] * flavors, [0.1] * flavors]
        rates = {**rates, "equilibrium": alike, "equilibrium_bar": alike}
        eq = np.stack([alike, alike], axis=1)
        if "scattering" in kind:
            rates, eq = {"scattering": alike}, None
    times = tuple(0.1 * i for i in range(1, 31))
    case = gas(flavors, rates, terms=terms, time={"end": times[-1]})
    values = [entropy(rho, eq) for rho in evolve(case, hermitian(flavors), (1e-3, *times))]
    steps = np.diff(values)
    figure(f"entropy, {kind}, {flavors} flavors", f"smallest step {steps.min():.1e} (> 0)")
    assert steps.min() > 0
    assert values[-1] - values[0] > 0.1


def test_rho_stays_inside_0_and_1():
    """Emission into a pure state, rates of the flavors as different as can be."""
    rates = {"absorption": [3.0, 0.0], "equilibrium": [1.0, 0.0]}
    case = case_of(rates, terms={"vacuum": {"mass_splittings": [2.0], "theta": 0.7}})
    pure = np.full((2, 2), 0.5)
    n = np.linalg.eigvalsh(evolve(case, uniform(pure, np.eye(2) - pure), (0.1, 0.5, 1.0)))
    assert n.min() > -1e-10
    assert n.max() < 1 + 1e-10


@pytest.mark.parametrize(("kappa", "stays"), [([1.0, 1.0], True), ([1.0, 0.2], False)])
def test_scattering_stays_inside_0_and_1_if_alike_for_all_flavors(kappa, stays, figure):
    """One full beam of coherent neutrinos, one empty: 1/2 {kappa, <rho>} is no positive matrix."""
    full = np.full((2, 2), 0.5)

    def beams(species, z, momentum, direction):
        return (direction > 0)[None, None, :, None, None] * full

    least = np.linalg.eigvalsh(evolve(case_of({"scattering": kappa}), beams, (0.1, 1.0))).min()
    figure(f"scattering, kappa = {kappa}", f"smallest eigenvalue {least:.1e}")
    assert (least > -1e-10) == stays
