"""hpcqke verify RUN: are the files of a run whole?

Checkpoints by their manifests, checksums and values; series and fields by reading every number;
the conserved quantities by how far they drifted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hpcqke.errors import EXIT, CaseError, HpcqkeError, StorageError
from hpcqke.run_folder import RunFolder


def verify_run(path: Path) -> int:
    """Print a line per file; exit code 0 if all are whole, else 4. `CaseError`: no run is there."""
    folder = RunFolder(Path(path))
    if not (folder.path / "case.toml").exists():
        raise CaseError([f"{folder.path}: not a run folder (it has no case.toml)"])
    lines = [("STATUS", True, folder.status or "missing")]
    lines += list(_checkpoints(folder.path))
    lines += [_file(folder.path / name, check) for name, check in CHECKS.items()]
    for name, whole, text in lines:
        print(f"{'ok  ' if whole else 'FAIL'}  {name:28s} {text}")
    return 0 if all(whole for _, whole, _ in lines) else EXIT["storage"]


def _checkpoints(path: Path):
    from hpcqke import checkpoint_file, manifest, parallel

    for where, entry in manifest.newest_first(path / "checkpoints"):
        name = f"checkpoints/{where.stem}"
        try:
            if isinstance(entry, StorageError):
                raise entry
            checkpoint_file.verify(where.with_name(entry["file"]), entry, parallel.world())
        except StorageError as fault:
            yield name, False, str(fault)
        else:
            yield name, True, f"t = {entry['meta']['t']:.9g}, step {entry['meta']['step']}"


def _file(path: Path, check) -> tuple[str, bool, str]:
    if not path.exists():
        return path.name, False, "missing"
    try:
        return path.name, *check(path)
    except (OSError, KeyError, ValueError, RuntimeError, HpcqkeError) as error:
        return path.name, False, f"cannot be read: {error}"


def _series(path: Path) -> tuple[bool, str]:
    import h5py

    with h5py.File(path, "r") as file:
        time = file["time"][:]
        values = {name: file[name][:] for name in file if file[name].shape[:1] == time.shape}
    rising = bool(np.all(np.diff(time) > 0))
    drift = float(values["polarization_norm_error"].max(initial=0.0))
    number = values["number"]
    lost = float(np.abs(number - number[:1]).max(initial=0.0))
    finite = bool(np.isfinite(number).all() and np.isfinite(values["flavor_matrix"]).all())
    text = f"{time.size} rows, number drift {lost:.1e}, |P|^2 drift {drift:.1e}"
    return rising and finite, text + ("" if rising else ": times do not rise")


def _fields(path: Path) -> tuple[bool, str]:
    import h5py

    with h5py.File(path, "r") as file:
        times = file["time"][:]
        frames = int(np.argmax(np.append(np.isnan(times), True)))
        bad = [i for i in range(frames) if not np.isfinite(file["rho"][i]).all()]
    rising = bool(np.all(np.diff(times[:frames]) > 0))
    text = f"{frames} frames" + (f", not finite: {bad}" if bad else "")
    return not bad and rising, text


CHECKS = {"series.nc": _series, "fields.nc": _fields}
