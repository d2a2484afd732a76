"""Beams of net lepton number in a homogeneous run: how each one turns, and how coherence grows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcqke import state
from hpcqke.analysis import closed_forms
from hpcqke.analysis.coherence_panel import draw_growing
from hpcqke.analysis.drawing import Skip, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.probability_picture import FLAVOR, Frames, frames, is_net, legend_above
from hpcqke.analysis.style import THEORY, line, picture

#: Directions that have a line of their own.
MANY = 6


def draw_beams(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """rho_aa of each direction, and the growth of coherence on that of linear theory."""
    data = frames(run)
    if not is_net(run):
        raise Skip("for rho - rhobar (initial.net)")
    if data.rho.shape[3] > MANY:
        raise Skip(f"more than {MANY} directions")
    if data.rho.shape[2] > 1:
        raise Skip("for one |p|")
    rho = data.rho[:, 0, 0]
    v = run.fields["direction"].values
    pendulum = closed_forms.fast_pendulum(run.case) if _is_fast(run) else None
    panels = 1 if pendulum is not None else v.size
    with picture(file, (7.0 if panels < 3 else 10.0, 3.4), ncols=panels + 1) as (fig, axes):
        if pendulum is None:
            for d, ax in enumerate(axes[:-1]):
                _occupations(ax, data.time, rho[:, d], v[d])
            axes[0].set_ylabel(r"$\rho_{aa} - \bar\rho_{aa}$")
        else:
            _swing(axes[0], data, rho, v, pendulum)
        draw_growing(axes[-1], run, data.time, rho)
        for ax in axes:
            ax.set_xlabel(r"$t$  [$1/\mu$]")
            ax.set_xlim(data.time[0], data.time[-1])
            legend_above(ax, 2 if ax is not axes[-1] else 1)
        fig.suptitle(title(run))


def _is_fast(run: Run) -> bool:
    return run.case.flavors.count == 2 and set(run.case.terms) <= {"advection", "self_interaction"}


def _occupations(ax: Any, time: NDArray, rho: NDArray, v: float) -> None:
    n = state.occupations(rho)
    for f, name in enumerate(state.FLAVORS[n.shape[-1]]):
        ax.plot(time, n[:, f], **line(f), label=rf"$\rho_{{{FLAVOR[name] * 2}}}$")
    ax.annotate(f"$v$ = {v:g}", (0.05, 0.45), xycoords="axes fraction")


def _swing(ax: Any, data: Frames, rho: NDArray, v: NDArray, omega: complex) -> None:
    """P^z/|P| of each beam, and of D_1 = sum w v P, whose lowest point linear theory knows."""
    low = closed_forms.lowest_cosine(omega)
    ax.axhline(low, **THEORY, label=f"theory: {low:.4f}")
    for d in range(v.size):
        P = rho[:, d, 1:]
        ax.plot(data.time, P[:, 2] / P[0, 2], **line(d + 1), linewidth=1.1, label=f"v = {v[d]:g}")
    D = np.einsum("tdc,d,d->tc", rho[..., 1:], v, data.weight[0])
    ax.plot(data.time, D[:, 2] / np.linalg.norm(D, axis=1) * np.sign(D[0, 2]), **line(0),
            label=r"$\mathbf{D}_1$: pendulum")  # fmt: skip
    ax.set_ylabel(r"$P^z(t)/P^z(0)$")
