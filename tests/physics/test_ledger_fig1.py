"""The ledger of Fig. 1 to t = 30: where the missing energy goes, and how exactly."""

import numpy as np
import pytest
from boxes import at, finished

from hpcqke.analysis.ledger_picture import Ledger

EVERY = {"output__series_every": 5.0, "output__fields_every": 10.0}
PURE = {"initial__P0": (0.5, 0.5)}
"""The paper's own beams, with eigenvalues of rho that touch zero."""


def fig1(**settings):
    return finished("two_beam_ledger", **{**EVERY, **settings})


def change(run, name: str, t: float) -> float:
    return at(run, name, t) - at(run, name, 0.0)


def shift(run) -> np.ndarray:
    """<q> of each beam at every time and place, (time, z, direction)."""
    number = run.fields.rho.isel(species=0, component=0)
    return ((number * number.momentum).sum("momentum") / number.sum("momentum")).values


def test_relaxation_closes_the_ledger(figure):
    """|Delta(K + U)| / max |Delta U| <= 1e-12; Delta U = 27.0704 = -Delta K, -0.27 mu each."""
    run = fig1(**PURE)
    found, gained = (change(run, f"energy_{name}", 30.0) for name in ("refractive", "kinetic"))
    drift, each = Ledger(run.series).drift, gained / float(run.series.number[0].sum())
    figure("Fig. 1 ledger", f"Delta U(30) {found:.4f} (27.0704), {each:.4f} mu per neutrino")
    figure("Fig. 1 ledger, relaxation", f"{drift:.1e} (tol 1e-12)")
    assert abs(found - 27.0704) < 1e-3
    assert abs(gained + found) < 1e-12 * found
    assert abs(each + 0.2707) < 1e-3
    assert drift < 1e-12


def test_local_shift_is_a_function_of_the_local_flavor(figure):
    """<q> = -(P+.P- + 1/4)/(2 P0), in [-0.5, 0] mu, the same for both beams."""
    run = fig1(**PURE)
    dq = float(np.diff(run.fields.momentum[:2])[0])
    P = (run.fields.rho.isel(species=0)[..., 1:] * dq).sum("momentum").values
    expected = -(np.sum(P[:, :, 0] * P[:, :, 1], axis=-1) + 0.25)
    found = shift(run)
    error = np.abs(found - expected[..., None]).max()
    figure("Fig. 1 shift", f"{found.min():.4f} to {found.max():.4f} mu, identity to {error:.1e}")
    # the random seeds make |P| differ from 1/2 by 1e-4
    assert found.min() > -0.5 - 1e-3
    assert found.max() < 1e-3
    assert found.min() < -0.45
    assert error < 1e-3


def test_plain_runge_kutta_at_the_default_tolerance(figure):
    """<= 1e-6 without relaxation."""
    drift = Ledger(fig1(time__relaxation=False, time__tolerance=1e-8).series).drift
    figure("Fig. 1 ledger, plain rk5dp", f"{drift:.1e} (tol 1e-6)")
    assert drift < 1e-6


def test_without_the_gradient_terms_all_of_it_is_missing(figure):
    """Exactly 1: K does not change."""
    few = {"grid__momentum__offset_cells": 8, "time__end": 10.0}
    off = {"terms__gradient__weak_force": False, "time__relaxation": False}
    drift = Ledger(fig1(**few, **off).series).drift
    figure("Fig. 1 ledger, terms off", f"{drift}")
    assert drift == pytest.approx(1.0, abs=1e-12)
