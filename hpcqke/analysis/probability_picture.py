"""The picture of a homogeneous run: P_a(t) of neutrinos and antineutrinos, on theory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcqke import state
from hpcqke.analysis import closed_forms
from hpcqke.analysis.coherence_panel import draw_growing, growth_rates, is_steady
from hpcqke.analysis.drawing import Skip, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import THEORY, line, picture

FLAVOR = {"e": "e", "x": "x", "mu": r"\mu", "tau": r"\tau"}
SPECIES = {"nu": r"\nu", "nubar": r"\bar\nu"}


class Frames(NamedTuple):
    """A homogeneous run: time, rho (time, species, |p|, v, component), weights (|p|, v)."""

    time: NDArray[np.float64]
    rho: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def content(self) -> NDArray[np.float64]:
        """rho_aa times the weights, (time, species, |p|, v, N_f)."""
        return state.occupations(self.rho) * self.weight[..., None]


def frames(run: Run) -> Frames:
    """Every frame of a run with one cell; Skip if it has more, or fewer than two frames."""
    if not run.has_fields() or run.fields.sizes["time"] < 2:
        raise Skip("fewer than 2 frames in fields.nc")
    if run.fields.sizes["z"] > 1:
        raise Skip("for runs with one cell in z")
    kept = [s for s in run.fields["species"].values if s in state.SPECIES]
    axes = ("time", "species", "momentum", "direction", "component")
    rho = run.fields["rho"].isel(z=0).sel(species=kept).transpose(*axes).values
    weight = run.fields["weight"].transpose("momentum", "direction").values
    return Frames(run.fields["time"].values, rho, weight)


def is_net(run: Run) -> bool:
    """Does rho stand for rho - rhobar?"""
    return bool(getattr(run.case.initial, "net", False))


def draw_probabilities(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """n_a(t)/n(0) of each species, all modes together, on what theory says where there is one.

    Where linear theory has a growing wave, the growth of coherence beside them.
    """
    data = frames(run)
    if is_net(run):
        raise Skip("rho stands for rho - rhobar: see beams.png")
    content = data.content
    start = content[0].sum(axis=(1, 2))
    found = content.sum(axis=(2, 3)) / start.sum(axis=-1)[:, None]
    theory = closed_forms.marks(run.case, data.time, content[0])
    species = list(state.SPECIES[: len(start)])
    grows = is_steady(run) and max(growth_rates(run).values()) > 0
    size, panels = ((10.0, 3.4), len(species) + 1) if grows else ((7.0, 3.4), len(species))
    with picture(file, size, ncols=panels, squeeze=False) as (fig, axes):
        for s, ax in enumerate(axes[0, : len(species)]):
            labels = set()
            for mark in (m for m in theory if m.species == s):
                _draw_mark(ax, mark, None if mark.label in labels else mark.label)
                labels.add(mark.label)
            for f in np.flatnonzero(found[:, s].any(axis=0)):
                label = _label(species[s], start[s], f)
                ax.plot(data.time, found[:, s, f], **line(f), label=label)
            averaged = _averaged(run, data, s)
            if averaged is not None:
                ax.plot(data.time, averaged, **line(2), label="averaged over oscillations")
            ax.set_ylim(min(-0.05, 1.05 * found.min()), 1.05 * max(1.0, found.max()))
        axes[0, 0].set_ylabel("probability" if (start[0] > 0).sum() == 1 else "$n_a(t)/n(0)$")
        if grows:
            draw_growing(axes[0, -1], run, data.time, data.rho)
        for ax in axes[0]:
            ax.set_xlabel(r"$t$  [$1/\mu$]")
            ax.set_xlim(data.time[0], data.time[-1])
            legend_above(ax)
        fig.suptitle(title(run))


def legend_above(ax: Any, columns: int = 2) -> None:
    """A legend over the axes: curves that fill them leave no room inside."""
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, fontsize=8,
              frameon=False, handlelength=2.4, columnspacing=1.2)  # fmt: skip


def _draw_mark(ax: Any, mark: closed_forms.Mark, label: str | None) -> None:
    if mark.label.startswith("turning"):
        ax.plot(mark.time, mark.value, "o", color="0.45", markersize=9, alpha=0.6, label=label)
    else:
        ax.plot(mark.time, mark.value, **THEORY, label=label)


def _label(species: str, start: NDArray, f: int) -> str:
    """A transition probability if all begin in one flavor, else the flavor."""
    names, pure = state.FLAVORS[start.size], np.flatnonzero(start)
    nu = SPECIES[species]
    end = rf"{nu}_{{{FLAVOR[names[f]]}}}"
    if pure.size != 1:
        return f"${end}$"
    return rf"$P({nu}_{{{FLAVOR[names[pure[0]]]}}} \to {end})$"


def _averaged(run: Run, data: Frames, s: int) -> NDArray | None:
    """(1 - cos 2theta P.B)/2 of one |p|: P_ee over many oscillations, where matter falls off."""
    terms = run.case.terms
    if set(terms) - {"advection"} != {"vacuum", "matter"} or data.rho.shape[-1] != 4:
        return None
    if terms["matter"].along != "t" or data.rho.shape[2] > 1:
        return None
    theta = terms["vacuum"].theta
    B = np.array([np.sin(2 * theta), 0, -np.cos(2 * theta)])
    P = np.einsum("tpdc,pd->tc", data.rho[:, s], data.weight)
    return 0.5 * (1 - np.cos(2 * theta) * (P[:, 1:] @ B) / P[:, 0])
