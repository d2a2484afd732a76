"""The picture of coherence: spectra in k and in Legendre polynomials of v against time, lengths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke.analysis.coherence import angular_spectrum, coherence_lengths, power_spectrum
from hpcqke.analysis.drawing import Skip, frames_from, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import COLORMAP, SECTOR, line, picture

#: Powers of ten of the largest |rho_ex,k|^2 that the maps show.
DECADES = 12


def draw_coherence(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """S(k, t), A_l(t) and the half widths of the autocorrelation of the strongest flavor pair."""
    fields = frames_from(run, cells=4)
    pair, power = _strongest(fields)
    angular = angular_spectrum(fields, pair=pair)
    shown = _telling(power.values)
    power_shown = power.isel(k=slice(*shown))
    many = angular.sizes["l"] > 2
    panels = {"nrows": 2 + many, "sharex": True}
    heights = {"height_ratios": [1.5, 1.2, 1.0] if many else [1.5, 1.0]}
    size = (7.0, 8.6 if many else 6.0)
    with picture(file, size, gridspec_kw=heights, **panels) as (figure, axes):
        name = SECTOR.get(pair, pair).strip("$")
        _map(figure, axes[0], power_shown, rf"$S = \sum_p |\rho_{{{name},k}}|^2$  [$n^2$]")
        axes[0].set_ylabel(r"$k$  [$\mu$]")
        if many:
            _map(figure, axes[1], angular, rf"$A_l$ of $\rho_{{{name}}}$  [$n^2$]")
            axes[1].set_ylabel("Legendre $l$ of $v$")
            axes[1].yaxis.get_major_locator().set_params(integer=True)
        lengths = coherence_lengths(power)
        half = float(power.attrs["length"]) / 2
        labels = {
            "coherence_length": r"coherence length, $|C(r)| = 1/2$",
            "correlation_length": r"correlation length, Re $C(r) = 1/2$",
        }
        for i, (key, label) in enumerate(labels.items()):
            values = np.minimum(lengths[key].values, half)
            axes[-1].semilogy(power["time"], values, label=label, **line(i))
        axes[-1].axhline(half, color="0.6", linewidth=0.8, label="$L/2$, the longest seen")
        axes[-1].set_ylabel(r"$r$  [$1/\mu$]")
        axes[-1].set_xlabel(r"$t$  [$1/\mu$]")
        axes[-1].legend(loc="best")
        axes[-1].margins(x=0)
        axes[0].set_title(title(run))


def _strongest(fields: Any) -> tuple[str, Any]:
    """The flavor pair with the most coherence, and its spectrum."""
    from hpcqke import state

    names = state.PAIR_NAMES[state.number_of_flavors(fields.sizes["component"])]
    spectra = {pair: power_spectrum(fields, pair=pair) for pair in names}
    pair = max(names, key=lambda one: float(spectra[one].max()))
    if not float(spectra[pair].max()) > 0:
        raise Skip("all off-diagonal elements are zero")
    return pair, spectra[pair]


def _telling(power: np.ndarray) -> tuple[int, int]:
    """The range of k with something of the map's colours in it."""
    there = np.flatnonzero(power.max(axis=0) > 10.0**-DECADES * power.max())
    margin = max(1, (there[-1] - there[0]) // 20)
    return max(0, there[0] - margin), there[-1] + margin + 1


def _map(figure: Any, ax: Any, power: Any, label: str) -> None:
    """Power (time, y) in colours, logarithmic; the lightest stands for less than the bar."""
    from matplotlib.colors import LogNorm

    top = float(power.max())
    other = power.dims[1]
    ax.grid(False)
    mesh = ax.pcolormesh(
        power["time"].values, power[other].values, power.values.T, shading="nearest",
        cmap=COLORMAP, norm=LogNorm(10.0**-DECADES * top, top), rasterized=True,
    )  # fmt: skip
    figure.colorbar(mesh, ax=ax, label=label, pad=0.01)
