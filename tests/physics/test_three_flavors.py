"""T8: three flavors of a homogeneous gas of three beams, and what makes two flavors of them."""

from __future__ import annotations

import numpy as np
import pytest
from homogeneous import trajectory

from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.case import make_case
from hpcqke.state import to_matrix

V = [-0.6, 0.3, 0.9]
NONLINEAR = [
    (
        [[0.9, 0, 0], [0.9, 0, 0], [-0.9, 0, 0]], [1.0, 0.5], (0.362243012355, 0.362243012355, 0),
        {
            15.0: [[0.869299704759, 0.0245602361926, 0.00614005904815],
                   [0.86124451199, 0.0310043904077, 0.00775109760192],
                   [-0.83054381175, -0.0555649506001, -0.01389123765]],
            25.0: [[0.846156299594, 0.0430749603244, 0.0107687400811],
                   [0.833668919365, 0.053064864508, 0.013266216127],
                   [-0.77982481396, -0.0961401488322, -0.0240350372081]],
        },
    ),
    (
        [[1.0, 0.1, 0], [1.0, 0.1, 0], [-0.8, 0.1, 0.3]], [1.0, 0.7],
        (0.362243012355, 0.40044943501, 0),
        {
            15.0: [[0.9235452756, 0.123290459963, 0.0531642644368],
                   [0.903750492657, 0.129409420023, 0.0668400873208],
                   [-0.627295228167, 0.0472997960148, 0.179995432153]],
            20.0: [[0.598175405535, 0.177401077226, 0.324423517238],
                   [0.498876723983, 0.196308920345, 0.404814355673],
                   [0.102948410572, -0.0737103215709, -0.429238089001]],
            25.0: [[0.911392635497, 0.13144400383, 0.057163360673],
                   [0.889309558187, 0.139987085525, 0.0707033562881],
                   [-0.600701653595, 0.0285685866456, 0.172133066949]],
        },
    ),
]  # fmt: skip


def beams(L, flavors: int, end: float, tolerance: float = 1e-12):
    """Three beams of net lepton numbers L (beam, flavor), not seeded."""
    names = ("e", "mu", "tau") if flavors == 3 else ("e", "x")
    populations = [
        {"flavor": name, "angular": "table", "values": np.array(L, float)[:, i].tolist()}
        for i, name in enumerate(names)
    ]
    return make_case({
        "name": "three",
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": {"directions": V}},
        "flavors": {"count": flavors},
        "terms": {"self_interaction": {}},
        "initial": {"recipe": "distribution", "net": True, "populations": populations},
        "time": {"end": end, "integrator": "rk8vr", "tolerance": tolerance},
    })  # fmt: skip


def tilted(L, K: np.ndarray):
    """Each beam's diag(L) turned by exp(-i 1e-3 v K)."""
    angle, vectors = np.linalg.eigh(K)

    def start(species, z, p, v):
        rho = [
            U @ np.diag(row) @ U.conj().T
            for row, vv in zip(L, v, strict=True)
            for U in [(vectors * np.exp(-1e-3j * vv * angle)) @ vectors.conj().T]
        ]
        return np.array(rho, dtype=complex)[None, None]

    return start


def generator(emu: float, etau: float) -> np.ndarray:
    return np.array([[0, emu, etau], [emu, 0, 0], [etau, 0, 0]], dtype=complex)


@pytest.mark.parametrize("index", [0, 1])
def test_nonlinear(index, figure):
    """rho_aa of each beam; the growth rates of the three pairs from the recipe's diagonal."""
    L, seed, gamma, table = NONLINEAR[index]
    case = beams(L, 3, max(table))
    found = trajectory(case, table, tilted(L, generator(*seed)))
    rho = [to_matrix(A)[0, 0, :, 0] for A in found]
    error = max(
        np.abs(np.diagonal(r, axis1=-2, axis2=-1).real - exact).max()
        for r, exact in zip(rho, table.values(), strict=True)
    )
    systems = linear_systems(case)
    rates = [systems[pair].growth(np.zeros(1))[0][0] for pair in ("emu", "etau", "mutau")]
    figure(f"T8 nonlinear {index + 1}", f"rho_aa {error:.1e} (tol 1e-06)")
    assert error < 1e-6
    assert rates == pytest.approx(gamma, abs=1e-8)


def test_mu_tau_symmetry_makes_two_flavors(figure):
    """rho_ee(3) = rho_ee(2); rho_mumu = rho_tautau and rho_mutau = (rho_xx +- L_mu)/2."""
    e, mu, times = np.array([1.0, 1.0, -0.8]), 0.1, [15.0, 25.0]
    exact = [[0.975245541237, 0.968751652342, -0.743996869579],
             [0.933933740551, 0.918382686874, -0.652316103426]]  # fmt: skip
    three = np.stack([e, np.full(3, mu), np.full(3, mu)], axis=1)
    K = generator(1, 1) / np.sqrt(2)
    rho3 = [to_matrix(A)[0, 0, :, 0]
            for A in trajectory(beams(three, 3, 25.0), times, tilted(three, K))]  # fmt: skip
    two = three[:, :2]
    flip = np.array([[0, 1], [1, 0]], dtype=complex)
    rho2 = [to_matrix(A)[0, 0, :, 0]
            for A in trajectory(beams(two, 2, 25.0), times, tilted(two, flip))]  # fmt: skip
    error = max(np.abs(r[:, 0, 0].real - x).max() for r, x in zip(rho3, exact, strict=True))
    apart = 0.0
    for a, b in zip(rho3, rho2, strict=True):
        xx = b[:, 1, 1]
        pairs = ((a[:, 0, 0], b[:, 0, 0]), (a[:, 1, 1], (xx + mu) / 2),
                 (a[:, 2, 2], (xx + mu) / 2), (a[:, 1, 2], (xx - mu) / 2))  # fmt: skip
        apart = max(apart, *(np.abs(x - y).max() for x, y in pairs))
    figure("T8 reduction", f"rho_ee {error:.1e} (tol 1e-06), of two flavors {apart:.1e}")
    assert error < 1e-6
    assert apart < 1e-9
