"""Two runs held against each other: in what their cases differ, how far their results are apart.

Nothing is hidden by interpolation in time: rows and frames at times that both have are compared,
differences are B - A, relative ones are divided by the largest |A| of all compared times. Fields on
unlike grids are brought to the least common thing, which the result names:

    z        the same cells; the cells both have; else B and A as Fourier sums on the coarser grid;
             open boxes: means over groups of cells; boxes of unlike length or ends: means over z
    modes    each; with other |p| or directions: the sums M, F = sum_p w_p (1, v) rho
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke import state
from hpcqke.analysis.frames import frames_of, is_periodic, weight_of
from hpcqke.analysis.open_run import Run

if TYPE_CHECKING:
    import xarray as xr

#: Two times, or places, are one if they differ by less than this part of the largest.
SAME = 1e-9
#: Keys of a case that say how, and how long, it is run and what is written, not what is solved.
_BESIDE = ("output.", "checkpoint.", "grid.z.ranks", "grid.momentum.ranks", "name", "time.end")


@dataclass(frozen=True)
class Difference:
    """The largest |B - A| of something, over the largest |A|, and when it is reached."""

    name: str
    absolute: float
    relative: float
    time: float
    same_bits: bool


@dataclass(frozen=True)
class FieldDifference:
    """Of one species: largest |B - A| of a component, and sqrt(sum w Tr (B-A)^2/sum w Tr A^2)."""

    species: str
    time: np.ndarray
    largest: np.ndarray
    l2: np.ndarray
    same_bits: bool


@dataclass(frozen=True)
class Comparison:
    """All of it. case: (key, value in A, value in B); notes: what was not compared, and why."""

    case: list[tuple[str, Any, Any]]
    rows: tuple[int, int, int]
    series: list[Difference]
    frames: tuple[int, int, int]
    fields: list[FieldDifference]
    how: str
    notes: list[str] = field(default_factory=list)

    @property
    def same_bits(self) -> bool:
        """Is every number of both files the same, at the same times?"""
        alike = all(one.same_bits for one in [*self.series, *self.fields])
        whole = all(len(set(n)) == 1 for n in (self.rows, self.frames))
        return bool(alike and whole and self.series and not self.notes)


def compare_runs(a: Run, b: Run) -> Comparison:
    """Compare two open runs. Raises CaseError (one line) if one has no case or no series."""
    notes: list[str] = []
    case = case_differences(a, b)
    if a.case.units.system != b.case.units.system:
        notes.append("the runs have other units: no numbers are compared")
        return Comparison(case, (0, 0, 0), [], (0, 0, 0), [], "", notes)
    rows, series = compare_series(a.series, b.series, notes)
    frames, fields, how = (0, 0, 0), [], ""
    if a.has_fields() and b.has_fields():
        frames, fields, how = compare_fields(a.fields, b.fields, notes)
    elif a.has_fields() or b.has_fields():
        without = b if a.has_fields() else a
        notes.append(f"fields.nc: no frames in {without.path}: not compared")
    return Comparison(case, rows, series, frames, fields, how, notes)


def case_differences(a: Run, b: Run) -> list[tuple[str, Any, Any]]:
    """Keys with other values, (key, A's, B's), None where a case has no such key.

    What is solved comes first, then how it is run and written (output, checkpoints, ranks).
    """
    first, second = (flat(tomllib.loads(run.case.to_toml())) for run in (a, b))
    keys = [k for k in {**first, **second} if first.get(k) != second.get(k)]
    keys = [k for k in keys if k != "output.directory"]
    return [(k, first.get(k), second.get(k)) for k in sorted(keys, key=is_beside)]


def is_beside(key: str) -> bool:
    """Does a key only say how a case is run, not what is solved?"""
    return key.startswith(_BESIDE)


def flat(table: Any, path: str = "") -> dict[str, Any]:
    """{"section.key": value} of nested tables; entries of lists of tables are numbered."""
    if isinstance(table, list) and table and all(isinstance(one, dict) for one in table):
        table = {f"[{i}]": one for i, one in enumerate(table)}
    if not isinstance(table, dict):
        return {path: table}
    found = {}
    for key, value in table.items():
        dot = "" if not path or key.startswith("[") else "."
        found |= flat(value, f"{path}{dot}{key}")
    return found


def common(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the values that both 1-D arrays have, in A's order; each of B's is used once."""
    if a.dtype.kind not in "fiu":
        where = {str(x): j for j, x in enumerate(b)}
        pairs = [(i, where[str(x)]) for i, x in enumerate(a) if str(x) in where]
    elif a.size == b.size and _close(a, b).all():
        pairs = [(i, i) for i in range(a.size)]
    elif np.unique(a).size < a.size or np.unique(b).size < b.size:
        pairs = []  # azimuths: a v alone does not tell which direction is meant
    else:
        order = np.argsort(b)
        at = np.clip(np.searchsorted(b[order], a), 0, b.size - 1) if b.size else a[:0].astype(int)
        pairs = []
        for i in range(a.size if b.size else 0):
            near = order[[max(at[i] - 1, 0), at[i]]]
            j = near[np.abs(b[near] - a[i]).argmin()]
            if _close(a[i], b[j], max(np.abs(a).max(), np.abs(b).max())):
                pairs.append((i, int(j)))
    left, right = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(left, int), np.array(right, int)


def _close(a: Any, b: Any, scale: float | None = None) -> Any:
    scale = np.abs(a).max(initial=0.0) if scale is None else scale
    return np.abs(a - b) <= SAME * scale


def compare_series(
    a: xr.Dataset, b: xr.Dataset, notes: list[str]
) -> tuple[tuple[int, int, int], list[Difference]]:
    """(rows of A, of B, common ones), and the difference of every column that both have."""
    i, j = common(a["time"].values, b["time"].values)
    rows = a.sizes["time"], b.sizes["time"], i.size
    if not i.size:
        notes.append("series.nc: no common times")
        return rows, []
    found, part = [], set()
    for name in (n for n in a.data_vars if "time" in a[n].dims):
        if name not in b or a[name].dims != b[name].dims:
            notes.append(f"series.nc: {name} only in A, or of another shape in B")
            continue
        x, y = a[name].isel(time=i), b[name].isel(time=j)
        for dim in (d for d in x.dims if d != "time"):
            left, right = common(a[dim].values, b[dim].values)
            if left.size < max(a.sizes[dim], b.sizes[dim]):
                part.add(f"{dim} ({left.size} of {a.sizes[dim]} and {b.sizes[dim]})")
            x, y = x.isel({dim: left}), y.isel({dim: right})
        if x.size:
            found.append(difference(str(name), x, y))
    notes += [f"series.nc: {name} only in B" for name in b.data_vars if name not in a]
    if part:
        notes.append(f"series.nc: compared at common {', '.join(sorted(part))}")
    return rows, found


def difference(name: str, x: xr.DataArray, y: xr.DataArray) -> Difference:
    """B - A of a column; a nan in both is no difference, one in one of them is infinite."""
    p, q = (array.transpose("time", ...).values for array in (x, y))
    same = np.array_equal(p, q, equal_nan=p.dtype.kind == "f")
    p, q = p.astype(float).reshape(p.shape[0], -1), q.astype(float).reshape(q.shape[0], -1)
    apart = np.where(np.isnan(p) & np.isnan(q), 0.0, np.abs(q - p))
    apart = np.where(np.isnan(apart), np.inf, apart)
    at = int(apart.max(axis=1).argmax())
    scale = np.abs(p[np.isfinite(p)]).max(initial=0.0)
    most = float(apart.max())
    relative = most / scale if scale else (np.inf if most else 0.0)
    return Difference(name, most, relative, float(x["time"].values[at]), bool(same))


def compare_fields(
    a: xr.Dataset, b: xr.Dataset, notes: list[str]
) -> tuple[tuple[int, int, int], list[FieldDifference], str]:
    """(frames of A, of B, common ones), the difference of every species, and what was compared."""
    i, j = common(a["time"].values, b["time"].values)
    frames = a.sizes["time"], b.sizes["time"], i.size
    if not i.size or a.sizes["component"] != b.sizes["component"]:
        why = "another number of flavors" if i.size else "no common times"
        notes.append(f"fields.nc: {why}: not compared")
        return frames, [], ""
    a, b = a.isel(time=i), b.isel(time=j)
    onto, place = _same_place(a, b)
    modes = all(
        a.sizes[d] == b.sizes[d] and bool(_close(a[d].values, b[d].values).all())
        for d in ("momentum", "direction")
    ) and np.allclose(weight_of(a), weight_of(b), rtol=SAME, atol=0)
    how = f"{place}, {'every mode' if modes else 'sums M and F over momentum'}"
    names = [[str(s) for s in run["species"].values] for run in (a, b)]
    alone = sorted({*names[0]} ^ {*names[1]})
    if alone:
        notes.append(f"fields.nc: {', '.join(alone)} only in one of them")
    found = []
    for species in (s for s in names[0] if s in names[1]):
        largest, l2, same = [], [], onto is None and modes
        for x, y in zip(frames_of(a, species), frames_of(b, species), strict=True):
            same = same and x.tobytes() == y.tobytes()
            w = weight_of(a)[..., np.newaxis]
            if not modes:
                x, y = (_moments(one, run) for one, run in ((x, a), (y, b)))
                w = 1.0
            if onto is not None:
                x, y = onto(x, y)
            apart = y - x
            square = [np.sum(w * state.trace_product(f, f)[..., None]) for f in (apart, x)]
            largest.append(np.abs(apart).max())
            l2.append(np.sqrt(square[0] / square[1]) if square[1] > 0 else np.inf)
        found.append(FieldDifference(species, a["time"].values, np.array(largest), np.array(l2),
                                     bool(same)))  # fmt: skip
    return frames, found, how


def _moments(frame: np.ndarray, fields: xr.Dataset) -> np.ndarray:
    """M and F of a frame: (z, 1, 2, component)."""
    weight = weight_of(fields)
    weights = np.stack([weight, weight * fields["direction"].values])
    return np.einsum("mpd,zpdc->zmc", weights, frame)[:, np.newaxis]


def _same_place(a: xr.Dataset, b: xr.Dataset) -> tuple[Any, str]:
    """What brings frames of A and B to the same z (None: they are there), and its name."""
    za, zb = a["z"].values, b["z"].values
    na, nb = za.size, zb.size
    if na == nb and bool(_close(za, zb).all()):
        return None, f"{na} cells"
    la, lb = (float(z[1] - z[0]) * z.size if z.size > 1 else np.nan for z in (za, zb))
    n, periodic = gcd(na, nb), is_periodic(a)
    if not abs(la - lb) <= SAME * la or periodic != is_periodic(b):
        return _means, "means over z (boxes of unlike length or ends)"
    if not periodic:
        return (
            lambda x, y: (_groups(x, n), _groups(y, n)),
            f"means over groups of cells, {n} of them",
        )
    if n == min(na, nb):
        return lambda x, y: (x[:: na // n], y[:: nb // n]), f"the {n} cells of both"
    n = min(na, nb)
    return (
        lambda x, y: (_onto(x, n), _onto(y, n)),
        f"{n} cells, onto which Fourier sums of the finer grid are evaluated",
    )


def _groups(x: np.ndarray, n: int) -> np.ndarray:
    """Means over n groups of equally many cells."""
    return x.reshape(n, -1, *x.shape[1:]).mean(axis=1)


def _means(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x.mean(axis=0, keepdims=True), y.mean(axis=0, keepdims=True)


def _onto(x: np.ndarray, n: int) -> np.ndarray:
    """Periodic values (z, ...) as Fourier sums on n cells, of at most as many, from the same z."""
    N = x.shape[0]
    if n == N:
        return x
    # the phases of a mode k at the n places are those of k mod n
    folded = np.zeros((n, *x.shape[1:]), complex)
    np.add.at(folded, np.fft.fftfreq(N, 1 / N).round().astype(int) % n, np.fft.fft(x, axis=0))
    return np.fft.ifft(folded, axis=0).real * (n / N)
