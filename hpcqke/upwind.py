"""Free streaming by upwind-biased differences in flux form, in periodic boxes and open ones.

    d_t rho_j = (f_{j-1/2} - f_{j+1/2})/dz,    f = v rho on the faces between the cells

The sum over the cells changes by what crosses the ends, and by nothing else:
    d/dt int rho dz = f(left) - f(right)
with the scheme's own f, which `boundary_flux` gives. The compiled loops are in kernels.upwind.
"""

from __future__ import annotations

import numpy as np

from hpcqke.kernels import upwind
from hpcqke.open_ends import OpenEnd
from hpcqke.sums import ordered_sum


class Upwind:
    """Streaming of order 1, 3 or 5 on one `PhaseSpace`; `ends` are those of an open box."""

    def __init__(self, ps, order: int) -> None:
        self.ps = ps
        lanes = np.broadcast_to(ps.v[:, None, :], (len(ps.v), ps.S * ps.C, ps.blocks.width))
        speed = np.ascontiguousarray(lanes).ravel()
        self._kernel = upwind.Streaming(order, speed, ps.z.dz)
        kinds = ps.z.ends or ()
        self.ends = [OpenEnd(ps, side, kind, order, speed) for side, kind in enumerate(kinds)]

    def set_inflow(self, values: np.ndarray) -> None:
        """rho at the two ends, (2, doubles in a row); used at ends of the kind "inflow"."""
        for end, given in zip(self.ends, values, strict=True):
            if end.kind == "inflow":
                end.given[...] = given

    def transport(self, X: np.ndarray, F: np.ndarray, first: int, last: int) -> None:
        """F[first:last] = -v d_z X; the scatter of the ghosts has ended if they are needed."""
        if first == last:
            return
        ghosts, half = self.ps.ghosts, self._kernel.half
        near = [first < half, last > self.ps.rows - half]
        for end, needed in zip(self.ends, near, strict=False):
            if needed:
                end.fill(X)
        self._kernel.transport(X, ghosts.lo, ghosts.hi, F, first, last)

    def boundary_flux(self, vec, X: np.ndarray) -> np.ndarray:
        """sum w v rho on the faces at both ends, (2, species, component). Collective."""
        ps = self.ps
        ps.ghosts.begin(vec)
        ps.ghosts.end(vec)
        for end in self.ends:
            end.fill(X)
        fluxes = []
        for face, at_end in ((0, ps.z_range[0] == 0), (ps.rows, ps.z_range[1] == ps.nz)):
            modes = np.zeros((0, ps.S * ps.C))
            if at_end:
                flux = self._kernel.face(X, ps.ghosts.lo, ps.ghosts.hi, face)
                weight = ps.momentum.weight[ps.own[1:]][..., None, None]
                modes = (weight * ps.unpack_modes(flux, ps.C)).reshape(-1, ps.S * ps.C)
            fluxes.append(ordered_sum(modes, ps.comm).reshape(ps.S, ps.C))
        return np.stack(fluxes)
