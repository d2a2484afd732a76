"""How the stages of a Runge-Kutta step go over the rows of a rank: three ways to the same bits.

Following each other (`OneCall` with ghosts): a state that is larger than the cache passes through
memory once a step, the stages a few rows behind one another, what lies between them in small rings.
Stages over several ranks' ends need s w ghost rows, filled once a step, and are done on those that
later ones need as well as by the neighbour.
At once (`OneCall` without): a small box that one rank has to itself, stage after stage.
One by one (`OneByOne`): everything else. Ghosts travel for every stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from hpcqke.ghosts import Ghosts
from hpcqke.kernels import kinetic

SMALL = 2**20  # bytes of a step's arrays that need no ways to save memory traffic: an L2 cache
TWICE = 1 / 16  # the most of a rank's rows that may be done by the neighbour as well ...
LITTLE = 2**18  # ... unless it is so little work (bytes of rows) that an exchange costs more

Work = Sequence[tuple[str, list, str | None]]


def make_stages(equation, vec, work: Work, lasting: set[str], error=None, swap=()):
    """The stages of ``work`` on ``vec``, whose array is called "y".

    work: (input, targets, slope) for each stage: the slope at the array called `input` is kept as
    `slope` (None: not at all), and (target, base, sources, weights), at most four times, becomes
    ((base + h w_1 source_0) + ...) + h w_0 slope. ``lasting``: arrays that a step leaves behind.
    error: (slopes, weights, new): what `run` returns, see `kinetic.error_norm`. swap: two slopes
    that change places after a step, so that the first stage's is known.
    """
    follow = way(equation, len(work))
    if follow is None:
        return OneByOne(equation, vec, work, error, swap)
    return OneCall(equation, vec, work, lasting, error, swap, follow)


def way(equation, stages: int) -> bool | None:
    """Shall the stages follow each other (True), go at once (False) or one by one (None)?

    Nothing here differs between ranks.
    """
    ps, width = equation.ps, equation.width
    if not equation.all_in_kernel:
        return None
    rows, twice = ps.nz // ps.ranks_z, (stages - 1) * width
    possible, cheap = rows >= stages * width, twice <= TWICE * rows
    if ps.ranks_z > 1:
        little = 8 * ps.row * stages * twice <= LITTLE
        return True if possible and (cheap or little) else None
    return possible and cheap and 4 * 8 * rows * ps.row > SMALL


def written(work: Work) -> set[str]:
    """All arrays that stages write or start from (one that none writes is zero)."""
    names = {name for _, targets, _ in work for t in targets for name in t[:2]}
    return names | {slope for _, _, slope in work if slope}


def make_stage(targets, bases, sources, weights, K):
    """A kernel stage and its weights, padded to a rectangle (h times them: its coefficients)."""
    stage = kinetic.Stage(targets, bases, sources, K)
    table = np.zeros(np.shape(stage.coefficients))
    for row, values in zip(table, weights, strict=False):  # no targets: one row of nothing
        row[: len(values)] = values
    return stage, table


class OneByOne:
    """Stage after stage, each with ghosts of its own."""

    def __init__(self, equation, vec, work: Work, error, swap) -> None:
        self.equation, ps = equation, equation.ps
        self.vecs, self.arrays = {"y": vec}, {"y": ps.array(vec)}
        self._error, self._swap, self._parity = error, swap, 0
        for name in {x for x, _, _ in work} | ({error[2]} if error else set()):
            if name != "y":
                self.vecs[name] = ps.create_vec()
                self.arrays[name] = ps.array(self.vecs[name])
        names = written(work)
        for name in names - set(self.arrays):
            self.arrays[name] = ps.aligned()
        self.plans = [self._plan(work)]
        if swap:
            self._exchange()
            self.plans.append(self._plan(work))
            self._exchange()

    def _exchange(self) -> None:
        one, other = self._swap
        self.arrays[one], self.arrays[other] = self.arrays[other], self.arrays[one]

    def _plan(self, work: Work) -> list:
        """(vec, array, stage, weights) of every stage."""
        get, plan = self.arrays.get, []
        for x, targets, slope in work:
            columns = [list(c) for c in zip(*targets, strict=True)] or [[], [], [], []]
            made, bases, sources, weights = columns
            stage, table = make_stage(
                [get(n) for n in made],
                [get(n) for n in bases],
                [[get(n) for n in names] for names in sources],
                weights,
                get(slope),
            )
            plan.append((self.vecs[x], self.arrays[x], stage, table))
        return plan

    def array(self, name: str) -> np.ndarray:
        """The array of this name."""
        return self.arrays[name]

    def run(self, times, h: float, known: bool = False, atol: float = 1.0, rtol: float = 0.0):
        """A step of h; this rank's error, 0 if none is asked for. known: so is the first slope."""
        for i, (vec, X, stage, weights) in enumerate(self.plans[self._parity]):
            np.multiply(weights, h, out=stage.coefficients)
            if i == 0 and known:
                stage.apply(self.arrays[self._swap[0]], 0, len(X))
            else:
                self.equation.evaluate_stage(times[i], vec, X, stage, i)
        if not self._error:
            return 0.0
        slopes, weights, new = self._error
        K = [self.arrays[name] for name in slopes]
        return kinetic.error_norm(
            self.arrays["y"], self.arrays[new], K, h * weights, atol, rtol
        )

    def swap(self) -> None:
        """The last slope becomes the first."""
        self._exchange()
        self._parity = 1 - self._parity

    def destroy(self) -> None:
        for name, vec in self.vecs.items():
            if name != "y":
                vec.destroy()


class OneCall:
    """All stages in one call of the kernels."""

    def __init__(self, equation, vec, work: Work, lasting, error, swap, follow: bool) -> None:
        self.equation, self.vec, ps = equation, vec, equation.ps
        names = written(work)
        names = ["y", *sorted(names - {"y"})]
        number = {name: i for i, name in enumerate(names)} | {None: -1}
        self.arrays = {n: ps.aligned() for n in names[1:] if n in lasting or not follow}
        self.arrays["y"] = ps.array(vec)
        stages = [
            (
                number[x],
                [(number[t], number[b], [number[n] for n in s], w) for t, b, s, w in targets],
                number[slope],
            )
            for x, targets, slope in work
        ]
        margin = len(work) * equation.width if follow else 0
        self.ghosts, lo, hi = None, None, None
        if follow and ps.ranks_z > 1:
            self.ghosts = Ghosts(ps, margin, 0)
            lo, hi = self.ghosts.lo, self.ghosts.hi
        elif follow:
            lo, hi = (kinetic.aligned(np.zeros((margin, ps.row))) for _ in range(2))
        if error:
            error = [number[n] for n in error[0]], error[1], number[error[2]]
        self.steps = kinetic.Steps(
            equation.kernel,
            [self.arrays.get(name) for name in names],
            stages,
            lo,
            hi,
            ps.ranks_z == 1,
            equation.mean_around(margin),
            equation.mode,
            error,
            equation.ledger.tally if equation.ledger else None,
        )
        self._steps_run = self.steps.run
        self._swap = [number[name] for name in swap]

    def array(self, name: str) -> np.ndarray:
        """The array of this name, one of ``lasting``."""
        return self.arrays[name]

    def run(self, times, h: float, known: bool = False, atol: float = 1.0, rtol: float = 0.0):
        """A step of h; this rank's error, 0 if none is asked for. known: so is the first slope."""
        equation, start = self.equation, perf_counter()
        seconds = equation.seconds
        if self.ghosts is not None:
            self.ghosts.begin(self.vec)
            self.ghosts.end(self.vec)
            now = perf_counter()
            seconds["ghost rows"] += now - start
            start = now
        error = self._steps_run(h, equation.strengths(times), known, atol, rtol)
        equation.calls += len(times) - known
        seconds["kernels"] += perf_counter() - start
        return error

    def swap(self) -> None:
        """The last slope becomes the first."""
        self.steps.swap(*self._swap)

    def destroy(self) -> None:
        if self.ghosts is not None:
            self.ghosts.destroy()
