"""What became of a spectrum in a homogeneous run: flavors over omega or |p|, at start and end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcqke import frequencies, state
from hpcqke.analysis.drawing import Skip, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.probability_picture import FLAVOR, SPECIES, frames, is_net, legend_above
from hpcqke.analysis.style import THEORY, line, picture


def draw_swap(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """P_ee of each |p| at the end, in the spectrum of the start."""
    data = frames(run)
    if is_net(run) or data.rho.shape[2] < 4:
        raise Skip("for 4 momenta or more")
    bins = frequencies.bins(run.case.grid.momentum)
    x = np.array(bins[0]) if bins else run.fields["momentum"].values
    content = data.content[[0, -1]].sum(axis=3)
    with picture(file, (7.0, 3.4), ncols=content.shape[1], sharey=True, squeeze=False) as (fig, ax):
        for s, one in enumerate(ax[0]):
            nu = SPECIES[state.SPECIES[s]]
            n = content[:, s] / content[0, s].sum(axis=-1).max()
            one.fill_between(x, n[0, :, 0], color="0.85", step="mid", label=rf"${nu}_e$, start")
            for f, name in enumerate(state.FLAVORS[n.shape[-1]]):
                label = rf"${nu}_{{{FLAVOR[name]}}}$, end"
                one.step(x, n[1, :, f], where="mid", label=label, **line(f))
            split = _split(run, content, s)
            if split is not None:
                label = rf"$\mathbf{{D}}\cdot\mathbf{{B}}$ kept: {split:.4g}"
                one.axvline(split, **{**THEORY, "linewidth": 3}, label=label)
            one.set_xlabel(r"$\omega$  [$\mu$]" if bins else r"$|p|$  [$\mu$]")
            legend_above(one)
        ax[0, 0].set_ylabel("occupation, of its largest")
        fig.suptitle(f"{title(run)}: $t$ = {data.time[-1]:.4g}")


def _split(run: Run, content: NDArray, s: int) -> float | None:
    """omega at which nu_e split if D.B is kept and all nubar swap; None where this says nothing.

    Inverted ordering, a mu that falls: n_nu - n_nubar of the largest |omega| keep their flavor.
    """
    case = run.case
    omega = case.grid.momentum.frequency_range
    if s or omega is None or content.shape[1] < 2 or content[0, ..., 1].any():
        return None
    falls = "self_interaction" in case.terms and case.terms["self_interaction"].along == "t"
    stay = content[0, 0].sum() - content[0, 1].sum()
    if not falls or case.terms["vacuum"].mass_splittings[0] > 0 or stay <= 0:
        return None
    edges = np.linspace(*omega, content.shape[2] + 1)
    order = np.argsort(edges[:-1] + edges[1:])  # all negative
    held = np.concatenate([[0.0], np.cumsum(content[0, 0, order, 0])])
    return float(np.interp(stay, held, np.sort(edges)))
