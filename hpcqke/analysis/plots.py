"""`hpcqke plot RUN`: the pictures of a run, finished or not, as PNG files in RUN/plots/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpcqke.analysis.beam_picture import draw_beams
from hpcqke.analysis.box_picture import draw_angular, draw_spacetime
from hpcqke.analysis.coherence_picture import draw_coherence
from hpcqke.analysis.directions_picture import draw_directions
from hpcqke.analysis.drawing import Skip
from hpcqke.analysis.ends_picture import draw_ends
from hpcqke.analysis.fig1 import draw_fig1
from hpcqke.analysis.growth_picture import draw_growth
from hpcqke.analysis.invariants import draw_invariants
from hpcqke.analysis.ledger_picture import draw_ledger
from hpcqke.analysis.momentum_picture import draw_momentum_spectra
from hpcqke.analysis.open_run import Run, open_run
from hpcqke.analysis.probability_picture import draw_probabilities
from hpcqke.analysis.profile_picture import draw_profile
from hpcqke.analysis.shift_picture import draw_shift
from hpcqke.analysis.spectra_picture import draw_spectra
from hpcqke.analysis.style import units_of
from hpcqke.analysis.survival_picture import draw_survival
from hpcqke.analysis.swap_picture import draw_swap
from hpcqke.errors import CaseError
from hpcqke.grids import MomentumGrid
from hpcqke.storage import storage_error

PICTURES = {
    "fig1.png": draw_fig1,
    "spectra.png": draw_spectra,
    "growth.png": draw_growth,
    "invariants.png": draw_invariants,
}
#: The pictures of runs with one cell, in place of those above.
HOMOGENEOUS_PICTURES = {
    "probabilities.png": draw_probabilities,
    "beams.png": draw_beams,
    "spectrum.png": draw_swap,
    "invariants.png": draw_invariants,
}
#: The pictures of runs in which neutrinos change their energy.
GRADIENT_PICTURES = {
    "ledger.png": draw_ledger,
    "momentum_shift.png": draw_shift,
    "momentum_spectra.png": draw_momentum_spectra,
}
#: The pictures of runs in open boxes.
OPEN_PICTURES = {"ends.png": draw_ends, "profile.png": draw_profile}
#: The pictures of runs whose ledger says what refraction hands to each direction.
LEDGER_PICTURES = {"ledger.png": draw_ledger, "ledger_directions.png": draw_directions}
#: Those of runs with antineutrinos or other directions than two; of boxes; of periodic ones.
SURVIVAL_PICTURES = {"survival.png": draw_survival}
BOX_PICTURES = {"spacetime.png": draw_spacetime, "angular.png": draw_angular}
PERIODIC_PICTURES = {"coherence.png": draw_coherence}


def pictures_of(run: Run) -> dict[str, Callable[[Run, Path, Callable[[str], Any]], None]]:
    """The pictures that tell something about a run, by file name."""
    if not (run.path / "case.toml").is_file():
        return PICTURES
    case = run.case
    one_cell = case.grid.z.cells == 1
    chosen = HOMOGENEOUS_PICTURES if one_cell else PICTURES
    directions = MomentumGrid.from_case(case.grid.momentum).v.size
    if (case.flavors.antineutrinos or directions != 2) and not one_cell:
        chosen = chosen | SURVIVAL_PICTURES
        if case.grid.z.cells > 3 and "advection" in case.terms and directions > 1:
            chosen = chosen | BOX_PICTURES
            if case.grid.z.boundary == "periodic":
                chosen = chosen | PERIODIC_PICTURES
    if case.grid.z.boundary != "periodic":
        chosen = chosen | OPEN_PICTURES
    if "ledger" in case.terms:
        chosen = chosen | LEDGER_PICTURES
    return chosen | (GRADIENT_PICTURES if "gradient" in case.terms else {})


def plot_run(path: str | Path, say: Callable[[str], Any] = print) -> list[Path]:
    """Draw everything a run has data for; returns the files, and says a line for each one left out.

    Raises CaseError if there is no run at `path` or nothing to draw in it, StorageError if the
    folder cannot be written to.
    """
    drawn = []
    with open_run(path) as run:
        folder = run.path / "plots"
        known = (run.path / "case.toml").is_file()
        system = run.case.units.system if known else "mu"
        for name, draw in pictures_of(run).items():
            try:
                folder.mkdir(exist_ok=True)
                with units_of(system):
                    draw(run, folder / name, say)
            except OSError as fault:
                raise storage_error(folder / name, fault) from fault
            except (Skip, CaseError) as reason:
                say(f"{name}: not drawn: {reason}")
            else:
                drawn.append(folder / name)
    if not drawn:
        raise CaseError([f"{path}: nothing to draw yet"])
    return drawn
