"""How long a run takes and how much it writes, from what a trial of it has measured.

    time = start + steps x step + rows x row + (frames + copies) x frame + checkpoints x checkpoint

Assumed: steps stay as long and as costly as in the later half of the trial; more ranks than the
trial had share steps and rows without loss, and files take what they took.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpcqke.calibration import Trial
from hpcqke.conduct import make_schedules
from hpcqke.outputs import first_frames


@dataclass(frozen=True)
class Forecast:
    """Counts of a whole run, and ``seconds`` by what they are spent on."""

    steps: float
    slopes: float
    rows: int
    frames: int
    checkpoints: int
    seconds: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


def forecast(case, trial: Trial, ranks: int, dt: float | None = None) -> Forecast:
    """The whole run on ``ranks`` ranks; ``dt``: what a step advances, if the trial cannot tell."""
    if dt is None:
        steps = trial.steps + (case.time.end - trial.t) / trial.dt
    else:
        steps = (case.time.end - case.time.start) / dt
    size, fewer = 1 / trial.share, trial.ranks / ranks
    cost = {
        "series": trial.row * size * fewer,
        "fields": trial.frame * size,
        "checkpoint": trial.checkpoint * size,
    }
    stepping = steps * trial.step * size * fewer
    schedules = make_schedules(case)
    wall = stepping
    for _ in range(3):  # what is due by the clock delays the clock
        counts = {name: count(s, steps, wall) for name, s in schedules.items()}
        counts["checkpoint"] -= 1  # there is none at the start
        wall = stepping + sum(counts[name] * cost[name] for name in counts)
    copies = copied(counts["fields"], first_frames(counts["fields"], case.state_bytes()))
    seconds = {
        "stepping": stepping,
        "diagnostics": counts["series"] * cost["series"],
        "fields": (counts["fields"] + copies) * cost["fields"],
        "checkpoints": counts["checkpoint"] * cost["checkpoint"],
        "start and end": trial.start + trial.end,
    }
    return Forecast(
        steps, steps * trial.slopes, counts["series"], counts["fields"], counts["checkpoint"],
        seconds,
    )  # fmt: skip


def count(schedule, steps: float, seconds: float) -> int:
    """How often something is due in a run of so many steps and seconds."""
    number = schedule.count()
    if schedule.every_steps:
        number += int(steps / schedule.every_steps)
    if schedule.every_wall:
        number += int(seconds / schedule.every_wall)
    return number


def copied(frames: int, room: int) -> int:
    """Frames copied while fields.nc, with ``room`` frames at first, doubles until it has room."""
    copies = 0
    while room < frames:
        copies += room
        room = min(2 * room, frames)
    return copies
