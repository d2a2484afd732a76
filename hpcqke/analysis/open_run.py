"""Open a run folder: what it was, how it ended, its series and its fields as xarray datasets.

Works on runs that are still going: frames announced in the file but not written yet (their time is
NaN) are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpcqke import state
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr

    from hpcqke.case import Case


@dataclass(frozen=True)
class Run:
    """A run folder, read on demand.  Attributes raise CaseError if the file is not there."""

    path: Path

    @property
    def status(self) -> str:
        """One of running, finished, resume, failed; "unknown" if the run left no STATUS."""
        words = self._text("STATUS").split()
        return words[0] if words else "unknown"

    @cached_property
    def case(self) -> Case:
        """The complete case, defaults included."""
        from hpcqke.case import load_case

        # here=False: a run may be read on another machine than it was made on
        return load_case(self._need("case.toml"), here=False)

    @property
    def log(self) -> str:
        """Rank 0's log ("" if there is none)."""
        return self._text("run.log")

    @cached_property
    def series(self) -> xr.Dataset:
        """Diagnostics against time, in memory."""
        with open_dataset(self._need("series.nc")) as dataset:
            return dataset.load()

    @cached_property
    def fields(self) -> xr.Dataset:
        """rho(time, z, momentum, direction, species, component), read when values are asked for."""
        return open_dataset(self._need("fields.nc"))

    def has_fields(self) -> bool:
        """Is there a fields.nc with at least one whole frame?"""
        return (self.path / "fields.nc").is_file() and self.fields.sizes.get("time", 0) > 0

    def close(self) -> None:
        """Close fields.nc (also at the end of a `with open_run(...)` block)."""
        fields = self.__dict__.pop("fields", None)
        if fields is not None:
            fields.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _text(self, name: str) -> str:
        file = self.path / name
        return file.read_text(errors="replace") if file.is_file() else ""

    def _need(self, name: str) -> Path:
        file = self.path / name
        if not file.is_file():
            raise CaseError([f"{self.path}: no {name} in this run (status: {self.status})"])
        return file


def open_run(path: str | Path) -> Run:
    """The run in folder `path`.  Raises CaseError (one line) if there is no run there."""
    path = Path(path)
    if not path.is_dir():
        raise CaseError([f"{path}: no such run folder"])
    if not any((path / name).is_file() for name in ("case.toml", "series.nc", "fields.nc")):
        raise CaseError([f"{path}: no run here (neither case.toml nor series.nc nor fields.nc)"])
    return Run(path)


def open_dataset(file: Path) -> xr.Dataset:
    """A series.nc or fields.nc as a lazily read dataset, unwritten frames dropped.

    Raises CaseError (one line) if the file can't be read.
    """
    import xarray as xr

    try:
        dataset = xr.open_dataset(file, engine="h5netcdf", decode_times=False)
    except Exception as error:  # h5py and h5netcdf raise a dozen types for a broken file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CaseError([f"{file}: can't be read: {reason}"]) from error
    if "time" not in dataset.sizes:
        return dataset
    written = np.isfinite(dataset["time"].values)
    if written.all():
        return dataset
    frames = np.flatnonzero(written)
    # a slice stays lazy and cheap; gaps in the middle need a list
    whole = frames.size == 0 or frames[-1] + 1 == frames.size
    return dataset.isel(time=slice(0, frames.size) if whole else frames)


def to_matrix(components: xr.DataArray | np.ndarray) -> np.ndarray:
    """Complex Hermitian matrices (..., N_f, N_f) from real components.

    `components`: array with the N_f^2 components last, or a DataArray with a dimension
    "component" anywhere (it is moved to the end).
    """
    if hasattr(components, "dims"):
        components = components.transpose(..., "component").values
    return state.to_matrix(components)


def from_matrix(rho: np.ndarray) -> np.ndarray:
    """Real components (..., N_f^2) of Hermitian matrices (..., N_f, N_f)."""
    return state.from_matrix(rho)


def survival_probability(
    fields: xr.Dataset, flavor: str = "e", species: str = "nu", by_direction: bool = False
) -> xr.DataArray:
    """Survival probability int rho_aa(t) / int rho_aa(0) over the modes that began mainly in `a`.

    The same definition as `survival` of series.nc: z is averaged, momentum modes are summed with
    their weights; by_direction keeps the directions apart.  Dimensions (time,) or
    (time, direction); nan where no mode began in that flavor.  One frame is in memory at a time.
    """
    import xarray as xr

    rho = fields["rho"].sel(species=species)
    flavors = state.FLAVORS[state.number_of_flavors(rho.sizes["component"])]
    if flavor not in flavors:
        raise CaseError([f'flavor = "{flavor}": one of {", ".join(flavors)}'])
    a = flavors.index(flavor)
    weight = fields["weight"].transpose("momentum", "direction").values
    content = np.empty((rho.sizes["time"], rho.sizes["direction"]))
    chosen = weight
    for i in range(content.shape[0]):
        frame = rho.isel(time=i).transpose("z", "momentum", "direction", "component").values
        occupied = state.occupations(frame.mean(axis=0))
        if i == 0:
            chosen = np.where(occupied.argmax(axis=-1) == a, weight, 0.0)
        content[i] = (occupied[..., a] * chosen).sum(axis=0)
    dims = ("time", "direction")
    if not by_direction:
        content, dims = content.sum(axis=1), ("time",)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(content[0] > 0, content / content[0], np.nan)
    return xr.DataArray(
        ratio,
        dims=dims,
        coords={d: fields[d] for d in dims if d in fields.coords},
        name="survival",
        attrs={"long_name": f"survival probability of {flavor}", "units": "1"},
    )
