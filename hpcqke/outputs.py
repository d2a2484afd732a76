"""What a run writes: series rows, fields and checkpoints, and what a checkpoint must remember."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from hpcqke import frequencies, state, units
from hpcqke.checkpoint import Checkpoints
from hpcqke.errors import StorageError
from hpcqke.fields import Fields
from hpcqke.provenance import provenance
from hpcqke.series import Series
from hpcqke.storage import on_root

NEGATIVE = 1e-2
"""Eigenvalues below minus this part of the largest one are warned of."""
FLUSH_SHARE = 0.01
"""The part of a run's time that the series may take between checkpoints."""
FIRST_FRAMES, FIRST_BYTES = 16, 256 * 2**20
"""Room that fields.nc claims at first: so many frames, or more of them in so many bytes."""


class Outputs:
    """The files of one run. Methods are collective; rank 0 keeps the series."""

    def __init__(self, case, ps, folder, diagnostics, log, frames: int) -> None:
        self.case, self.ps, self.folder = case, ps, folder
        self.diagnostics, self.log = diagnostics, log
        self.window = case.output.growth_window
        self.chain: list[dict] = []
        self.provenance = provenance(ps.size)
        self.checkpoints = Checkpoints(
            ps, folder.path / "checkpoints", case.checkpoint.keep, say=log.warn
        )
        self._frames = frames
        self._warned = False
        self._shown = False
        self._flushed = (perf_counter(), 0.0, -1)  # when, for how long, rows
        self.series_file = self.fields_file = None

    def begin(self, meta: dict | None) -> None:
        """Open series and fields: new ones, or this run's own, cut back to ``meta``'s lengths.

        Lengths of None: the checkpoint came from elsewhere, the files begin with it.
        """
        ps, attrs = self.ps, {**self.provenance, "case": self.case.to_toml()}
        self.attrs = attrs
        if self.ps.rank == 0:
            path = self.folder.path / "series.nc"
            columns = self._columns() | (self._end_columns() if ps.z.ends else {})
            self.series_file = Series(path, self._in_units(columns), self._series_coords(), attrs)
        if meta is not None and meta["rows"] is not None:
            on_root(self.ps.comm, lambda: self._load_series(meta["rows"]))
        resume = meta["frames"] if meta is not None else None
        self.fields_file = Fields(
            ps,
            self.folder.path / "fields.nc",
            self._fields_coords(),
            attrs,
            first_frames(self._frames, 8 * ps.nz * ps.np * ps.nv * ps.S * ps.C),
            resume,
            self._frames,
        )

    def _series_coords(self) -> dict:
        N, wave = self.ps.N, units.label("mu", self.case.units.system)
        return {
            "species": (list(self.ps.species), {}),
            "component": (list(state.COMPONENTS[N]), {}),
            "flavor": (list(state.FLAVORS[N]), {}),
            **self._momentum(),
            "direction": (self.ps.momentum.v, {"units": "1", "long_name": "v = cos(theta)"}),
            **self._azimuth(),
            "moment": (["M", "F"], {"long_name": "sum over momenta with weights 1 and v"}),
            "pair": (list(state.PAIR_NAMES[N]), {}),
            "k": (self.diagnostics.k, {"units": wave, "long_name": "wave number 2 pi n/L"}),
        }

    def _in_units(self, columns: dict) -> dict:
        """Columns in the units of the case; K is in MeV with physical ones, and no part of E."""
        system = self.case.units.system
        out = {k: {**v, "units": units.label(v["units"], system)} for k, v in columns.items()}
        if "ledger" in self.case.terms:
            out["energy_kinetic"]["long_name"] = "K since the start, ledger of the weak force"
            out["energy_work_direction"] = out["energy_kinetic_direction"] | {
                "long_name": "work of the weak force on those that went in each direction"
            }
        elif system == "cm":
            for name in ("energy_kinetic", "energy_kinetic_direction", "momentum_z"):
                out[name]["units"] = "MeV n cm"
            out["energy_total"]["long_name"] = "U + vacuum + matter"
        return out

    def _momentum(self) -> dict:
        """|p|, and the vacuum frequencies where these were given."""
        system, momentum = self.case.units.system, self.ps.momentum
        long_name = "|p|" if system == "cm" else "|p| - p0"
        unit = "MeV" if system == "cm" else "mu"
        found = {"momentum": (momentum.p, {"units": unit, "long_name": long_name})}
        bins = frequencies.bins(self.case.grid.momentum)
        if bins is not None:
            attributes = {"units": units.label("mu", system), "long_name": "omega = dm2/2|p|"}
            found["frequency"] = (np.array(bins[0]), {"dims": ("momentum",), **attributes})
        return found

    def _azimuth(self) -> dict:
        """phi of each direction, if there are azimuth bins."""
        momentum = self.ps.momentum
        attributes = {"dims": ("direction",), "units": "1", "long_name": "azimuth phi"}
        return {"azimuth": (momentum.azimuth, attributes)} if momentum.azimuths > 1 else {}

    def _fields_coords(self) -> dict:
        ps, length = self.ps, units.label("1/mu", self.case.units.system)
        return {
            "z": (ps.z.z, {"units": length, "long_name": "position"}),
            **self._momentum(),
            "direction": (ps.momentum.v, {"units": "1", "long_name": "v = cos(theta)"}),
            **self._azimuth(),
            "species": (list(ps.species), {}),
            "component": (list(state.COMPONENTS[ps.N]), {}),
            "weight": (
                ps.momentum.weight,
                {"dims": ("momentum", "direction"), "units": "1", "long_name": "quadrature weight"},
            ),
            "time": (None, {"units": length, "long_name": "time"}),
            "rho": (None, {"units": "n", "long_name": "rho in real components"}),
        }

    @staticmethod
    def _columns() -> dict:
        def column(long_name, units="1", *dims):
            return {"dims": dims, "units": units, "long_name": long_name}

        energy = "mu n/mu"
        return {
            "time": column("time", "1/mu"),
            "step": {**column("steps taken"), "dtype": "i8"},
            "number": column("int sum Tr rho dz", "n/mu", "species"),
            "number_rate": column(
                "int sum C_aa dz, what collisions add", "n", "species", "flavor"
            ),
            "flavor_matrix": column("int sum rho dz", "n/mu", "species", "component"),
            "energy_kinetic": column("K = int sum (|p| - p0) Tr rho dz", energy),
            "energy_kinetic_direction": column(
                "K of each direction", energy, "direction", "species"
            ),
            "energy_kinetic_rate": column("dK/dt, right-hand side of Eq. (22)", "mu n"),
            "momentum_z": column("int sum v (|p| - p0) Tr rho dz", energy),
            "occupation": column("int Tr rho dz", "n/mu", "momentum", "direction", "species"),
            "energy_refractive": column("U, Eq. (5)", energy),
            "energy_refractive_osc": column("U_osc, the flavor part of U", energy),
            "energy_u1": column("U1, energy of the extra term of Eq. (18)", energy),
            "energy_vacuum": column("int sum Tr H_vac (rho + rhobar) dz", energy),
            "energy_matter": column("int sum Tr V (rho - rhobar) dz", energy),
            "energy_total": column("K + U + U1 + vacuum + matter", energy),
            "energy_given_rate": column(
                "dE/dt of a Hamiltonian that depends on t: int sum Tr d_tV (rho - rhobar) dz "
                "+ (d_t mu/mu) U; where it is not 0, energy_total is not kept",
                "mu n",
            ),
            "energy_refractive_osc_rate": column("dU_osc/dt, right-hand side of Eq. (7)", "mu n"),
            "energy_refractive_osc_rate_measured": column(
                "dU_osc/dt, chain rule with the evaluated right-hand side", "mu n"
            ),
            "entropy": column("-int sum Tr[rho ln rho + (1-rho) ln(1-rho)] dz", "1/mu"),
            "eigenvalue_min": column("smallest eigenvalue of rho", "n"),
            "eigenvalue_max": column("largest eigenvalue of rho (1 - rho >= 0 asks for <= 1)", "n"),
            "trace_rho_squared": column("int sum Tr rho^2 dz", "n^2/mu", "species"),
            "polarization_norm_error": column("max over modes of |int P^2 dz / initial - 1|"),
            "survival": column(
                "part left of what started in this flavor", "1", "species", "flavor"
            ),
            "off_diagonal_rms": column("rms of P^x + i P^y", "n"),
            "spectrum": column("|psi_k| of M and F", "n", "moment", "pair", "k"),
            "growth_rate": column("fitted slope of ln(off_diagonal_rms)", "mu"),
        }

    @staticmethod
    def _end_columns() -> dict:
        """Of open boxes: what crosses their ends."""
        text = "sum v rho at the {} end, + towards +z; d/dt of number is left - right"
        dims = ("species", "component")
        return {
            f"flux_{end}": {"dims": dims, "units": "n", "long_name": text.format(end)}
            for end in ("left", "right")
        }

    # -- called by the step hook ------------------------------------------------------------

    def series(self, now, vec) -> None:
        """Append a row; the first of a run is on disk at once."""
        row = self.diagnostics.row(now.t, now.step, vec)
        self._warn_of_negative(row)
        if self.ps.rank == 0:
            row["growth_rate"] = self._growth_rate(row)
            self.series_file.append(row)
        if not self._shown:
            self._shown = True
            self.write_series()

    def _warn_of_negative(self, row: dict) -> None:
        """Say once if rho is no longer positive: the spectrum is too narrow for Eq. (16)."""
        low, high = row["eigenvalue_min"], row["eigenvalue_max"]
        if self._warned or low > -NEGATIVE * high or "gradient" not in self.case.terms:
            return
        self._warned = True
        self.log.warn(
            f"warning: rho has an eigenvalue of {low:.2e} of {high:.2e} at t = {row['time']:.6g}: "
            "the momentum spectrum is too narrow for the gradient expansion"
        )

    def fields(self, now, vec) -> None:
        """Append rho."""
        self.fields_file.append(now.t, self.ps.array(vec, readonly=True))

    def checkpoint(self, now, vec) -> None:
        """Commit a checkpoint; the series it counts are on disk before it."""
        self.write_series()
        ledger = self.diagnostics.equation.ledger
        meta = {
            "t": now.t,
            "step": now.step,
            "dt": now.dt,
            "segment_start": now.segment_start,
            "segment_step": now.segment_step,
            "segment_end": now.segment_end,
            "rows": len(self.series_file) if self.ps.rank == 0 else 0,
            "frames": len(self.fields_file),
            "reference": self.diagnostics.reference,
            "ledger": ledger and ledger.keep(),
            "chain": self.chain,
            "provenance": self.provenance,
            "case": self.case.to_toml(),
        }
        self.checkpoints.write(self.ps.array(vec, readonly=True), meta)

    def flush(self) -> None:
        """Show the rows so far to readers, if there are new ones and it is cheap.

        A failure is a warning: the rows are kept, and the next checkpoint needs them on disk.
        """
        on_root(self.ps.comm, self._flush_if_cheap)

    def _flush_if_cheap(self) -> None:
        when, took, rows = self._flushed
        if len(self.series_file) == rows or took > FLUSH_SHARE * (perf_counter() - when):
            return
        try:
            self._flush_timed()
        except StorageError as fault:
            self.log.warn(f"warning: {fault}")

    def finish(self) -> None:
        """Close the files of a run that has reached its end."""
        self.fields_file.finish()
        self.write_series()

    def _load_series(self, rows: int) -> None:
        self.series_file.load()
        self.series_file.truncate(rows)

    def write_series(self) -> None:
        """The series on disk, with all rows so far."""
        on_root(self.ps.comm, self._flush_timed)

    def _flush_timed(self) -> None:
        begun = perf_counter()
        self.series_file.flush()
        self._flushed = (perf_counter(), perf_counter() - begun, len(self.series_file))

    def _growth_rate(self, row: dict, last: int = 8) -> float:
        """Least-squares slope of ln(off_diagonal_rms) over the window, or over the last rows."""
        past = self.series_file
        times = np.append(past.column("time"), row["time"])
        sizes = np.append(past.column("off_diagonal_rms"), row["off_diagonal_rms"])
        if self.window is not None:
            use = (times >= self.window[0]) & (times <= self.window[1])
        else:
            use = np.arange(times.size) >= times.size - last
        use &= sizes > 0
        if np.count_nonzero(use) < 2:
            return float("nan")
        x, y = times[use] - times[use].mean(), np.log(sizes[use])
        return float(np.dot(x, y - y.mean()) / np.dot(x, x))


def first_frames(expected: int, frame_bytes: int) -> int:
    """How many frames to make room for at first; the file grows by doubling."""
    return min(expected, max(FIRST_FRAMES, FIRST_BYTES // frame_bytes))
