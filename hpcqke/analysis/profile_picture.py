"""The picture of what stands in an open box: flavor along z, and its growth or the fluxes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcqke import state
from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.homogeneous import local_systems
from hpcqke.analysis.linear import LinearSystem
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.probability_picture import FLAVOR, SPECIES, legend_above
from hpcqke.analysis.style import SECTOR, THEORY, line, picture
from hpcqke.errors import CaseError

#: Directions that have a line of their own.
MANY = 6
#: Times of which the density is drawn.
TIMES = 5


def draw_profile(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Few directions: P^z/|P| of each along z at the end; else the density at several times."""
    if not run.has_fields() or run.fields.sizes["time"] < 2 or run.fields.sizes["z"] < 2:
        raise Skip("fewer than 2 frames of 2 cells in fields.nc")
    fields = run.fields.transpose("time", "z", "momentum", "direction", "species", "component", ...)
    z, last = fields["z"].values, fields["rho"].isel(time=-1).values
    pairs = _coherence(last)
    with picture(file, (7.0, 3.4), ncols=2) as (fig, (left, right)):
        if last.shape[2] <= MANY and last.shape[1] == 1 and last.shape[-1] == 4:
            _beams(left, z, last[:, 0], fields["direction"].values)
        else:
            _densities(left, z, fields)
        if pairs.max() > 1e-10 * np.abs(last).max():
            _growth(right, run, z, pairs)
        else:
            _fluxes(right, run)
        for ax in (left, right):
            legend_above(ax)
            ax.margins(x=0)
        left.set_xlabel(r"$z$  [$1/\mu$]")
        fig.suptitle(f"{title(run)}: $t$ = {float(fields['time'][-1]):.4g}")


def _coherence(rho: NDArray) -> NDArray:
    """Root mean square of |rho_ab| over modes: (z, pair)."""
    matrices = state.to_matrix(rho)
    sizes = [np.abs(matrices[..., a, b]) ** 2 for a, b in state.PAIRS[matrices.shape[-1]]]
    return np.sqrt(np.array([size.mean(axis=(1, 2, 3)) for size in sizes])).T


def _beams(ax: Any, z: NDArray, rho: NDArray, v: NDArray) -> None:
    P = rho[..., 1:]
    long = np.linalg.norm(P, axis=-1)
    for i, (d, s) in enumerate(np.ndindex(rho.shape[1:3])):
        if long[:, d, s].any():
            name = SPECIES[state.SPECIES[s]]
            along = np.sign(P[0, d, s, 2]) * P[:, d, s, 2] / long[:, d, s]
            ax.plot(z, along, **line(i), label=rf"${name}$, $v$ = {v[d]:g}")
    ax.set_ylabel(r"$P^z/|\mathbf{P}|$, 1 at the start")


def _densities(ax: Any, z: NDArray, fields: Any) -> None:
    weight = fields["weight"].transpose("momentum", "direction").values
    chosen = np.unique(np.geomspace(1, fields.sizes["time"] - 1, TIMES).astype(int))
    for i, j in enumerate(chosen):
        rho = fields["rho"].isel(time=j).values
        n = np.einsum("zpdsf,pd->zsf", state.occupations(rho), weight)
        names = state.FLAVORS[n.shape[-1]]
        for s, f in np.ndindex(n.shape[1:]):
            if n[:, s, f].any():
                nu = rf"{SPECIES[state.SPECIES[s]]}_{{{FLAVOR[names[f]]}}}"
                label = rf"${nu}$, $t$ = {fields['time'].values[j]:g}"
                ax.plot(z, n[:, s, f], **line(i), label=label)
    ax.set_ylabel(r"$\Sigma\,\rho_{aa}$")


def spatial_growth(system: LinearSystem) -> float:
    """Largest growth rate along z of a wave that does not change in time: Omega = 0, -Im k.

    Omega a = (k v + M) a is an eigenvalue problem for k as well, for v of one sign.
    """
    M = system.matrix(np.zeros(1))[0]
    v = np.tile(system.v, len(M) // system.v.size)
    return float(np.max(-np.linalg.eigvals(-M / v[:, None]).imag))


def _systems(run: Run) -> dict[str, LinearSystem]:
    """Those of the initial state, if that is what comes in and it can be perturbed."""
    if run.case.inflow is not None:
        return {}
    try:
        return local_systems(run.case)
    except CaseError:
        return {}


def _growth(ax: Any, run: Run, z: NDArray, pairs: NDArray) -> None:
    """|rho_ab| along z; if all move to the right, on e^{kappa z} of linear theory."""
    systems = _systems(run)
    for i, pair in enumerate(state.PAIR_NAMES[2 if pairs.shape[1] == 1 else 3]):
        size, label = pairs[:, i], SECTOR[pair]
        if not size.any():
            continue
        system = systems.get(pair)
        if system is not None and system.v.min() > 0 and size[0] > 0:
            kappa, at = spatial_growth(system), int(np.argmax(size > 0.1 * size.max()))
            curve = size[at] * np.exp(kappa * (z - z[at]))
            shown = (curve < 2 * size.max()) & (curve > 0.5 * size.min())
            ax.semilogy(z[shown], curve[shown], **THEORY)
            label += rf", theory: $\kappa$ = {kappa:.6f}"
        ax.semilogy(z, size, **line(i), label=label)
    ax.set_ylabel(r"$|\rho_{ab}|$")
    ax.set_xlabel(r"$z$  [$1/\mu$]")


def _fluxes(ax: Any, run: Run) -> None:
    """Sum v Tr rho through both ends against time."""
    series = series_of(run)
    for i, species in enumerate(str(name) for name in series["species"].values):
        for j, end in enumerate(("left", "right")):
            flux = series[f"flux_{end}"].sel(species=species).transpose("time", "component")
            trace = state.trace(flux.values)
            name = SPECIES.get(species, species)
            label = rf"${name}$, {end}: {trace[-1]:.7f}"
            ax.plot(series["time"].values, trace, **line(2 * i + j), label=label)
    ax.set_ylabel(r"flux $\Sigma\, v\,{\rm Tr}\,\rho$")
    ax.set_xlabel(r"$t$  [$1/\mu$]")
