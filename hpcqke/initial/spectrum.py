"""Spectra by name: how the neutrinos of one direction spread over the momentum bins.

    uniform        the same number per unit of weight in every bin
    box            the same in the bins of spectrum_range, none in the others
    fermi-dirac    p^2/(exp(p/T - eta) + 1), p = |p|
    table          listed values

S is a number per unit of the bin's weight, sum_p w_p S_p = 1: weights of bins in |p| are dp, those
of a (p, v) grid have p^2 in them already, those of bins in omega = dm2/2|p| are d omega.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcqke.grids import MomentumGrid

KEYS = {
    "uniform": (),
    "box": ("spectrum_range",),
    "fermi-dirac": ("temperature", "eta"),
    "table": ("spectrum_values",),
}
"""The keys of each spectrum."""


def spectrum(name: str, keys: Any, grid: MomentumGrid) -> np.ndarray:
    """S of every bin of the grid, (momenta,); the sum over a box without bins is zero."""
    S = _plain(name, keys, grid)
    total = np.sum(S * grid.p_weight)
    return S / total if total else S


def _plain(name: str, keys: Any, grid: MomentumGrid) -> np.ndarray:
    p = grid.magnitude
    if name == "uniform":
        return np.ones(p.size)
    if name == "table":
        return np.asarray(keys.spectrum_values, float)
    if name == "box":
        low, high = keys.spectrum_range
        return np.where((low <= p) & (p <= high), 1.0, 0.0)
    occupation = 1 / (np.exp(p / keys.temperature - (keys.eta or 0.0)) + 1)
    return occupation * p ** measure(grid)


def measure(grid: MomentumGrid) -> int:
    """The power of p between an occupation and a number per unit of weight."""
    if grid.v_edges is not None:
        return 0
    return 4 if grid.in_frequency else 2
