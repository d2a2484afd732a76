"""Initial data from a function of the user's: `Simulation.set_state`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hpcqke import state
from hpcqke.errors import CaseError


def evaluate(function: Callable, ps) -> np.ndarray:
    """rho of this rank's part: (rows, momenta, directions, species, component).

    ``function(species, z, momentum, direction)`` is called with "nu" (and "nubar") and this rank's
    1-D coordinates; it returns complex Hermitian matrices of shape (len(z), len(momentum),
    len(direction), N_f, N_f). With grid.momentum.azimuths > 1 it gets the angles phi of the
    directions as its fifth argument. `CaseError` if the shape is another one, or if they are not
    Hermitian or not finite.
    """
    own_z, own_p, own_v = ps.own
    z, p, v = ps.z.z[own_z], ps.momentum.p[own_p], ps.momentum.v[own_v]
    azimuth = () if ps.momentum.azimuths == 1 else (ps.momentum.azimuth[own_v],)
    shape = (z.size, p.size, v.size, ps.N, ps.N)
    parts = []
    for name in ps.species[: ps.particles]:
        rho = np.asarray(function(name, z, p, v, *azimuth))
        if rho.shape != shape:
            raise CaseError([f"set_state: shape {rho.shape} for {name}, must be {shape}"])
        if not np.isfinite(rho).all():
            raise CaseError([f"set_state: values of {name} are not finite"])
        off = np.abs(rho - rho.conj().swapaxes(-1, -2)).max(initial=0.0)
        if off > 1e-12 * max(1.0, np.abs(rho).max(initial=0.0)):
            raise CaseError([f"set_state: matrices of {name} are not Hermitian (by {off:.1e})"])
        parts.append(state.from_matrix(rho))
    parts += [np.zeros_like(parts[0])] * (ps.S - ps.particles)
    return np.stack(parts, axis=3)
