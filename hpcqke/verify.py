"""hpcqke verify RUN: are the files of a run whole?

case.toml must be a case; checkpoints by their manifests, checksums and values; series and fields by
their checksums and by every number; what Eq. (1) conserves by how far it drifted. A run that is
still going need not have all its files yet.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hpcqke.errors import EXIT, STATUS, CaseError, HpcqkeError, StorageError
from hpcqke.run_folder import RunFolder

DRIFT = 1e-2
"""A larger relative change of a conserved quantity says that the numbers are none of Eq. (1)."""


def verify_run(path: Path) -> int:
    """Print a line per file; exit code 0 if all are whole, else 4. `CaseError`: no run is there."""
    folder = RunFolder(Path(path))
    if not (folder.path / "case.toml").exists():
        raise CaseError([f"{folder.path}: not a run folder (it has no case.toml)"])
    status = folder.status
    case, text = _case(folder.path / "case.toml")
    lines = [("STATUS", status in STATUS, status or "missing"), ("case.toml", bool(case), text)]
    lines += list(_checkpoints(folder.path))
    lines += [_file(folder.path / name, check, case, status) for name, check in CHECKS.items()]
    for name, whole, text in lines:
        print(f"{'ok  ' if whole else 'FAIL'}  {name:28s} {text}")
    return 0 if all(whole for _, whole, _ in lines) else EXIT["storage"]


def _case(path: Path):
    """The case, or None, and a word on it."""
    from hpcqke.case import load_case

    try:
        case = load_case(path, here=False)
    except (CaseError, OSError, ValueError) as error:
        return None, f"not a case: {str(error).splitlines()[0]}"
    return case, case.name


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


def _file(path: Path, check, case, status: str) -> tuple[str, bool, str]:
    going = status == "running"
    if not path.exists():
        return path.name, going, "not there yet" if going else "missing"
    for last in (not going, True):  # the file of a run that goes on may change hands meanwhile
        try:
            whole, text = check(path, case)
        except (OSError, KeyError, ValueError, RuntimeError, HpcqkeError) as error:
            whole, text = False, f"cannot be read: {error}"
        if whole or last:
            break
    return path.name, whole, text


def _series(path: Path, case) -> tuple[bool, str]:
    import h5py

    from hpcqke.series import is_whole

    with h5py.File(path, "r", locking=False) as file:
        time = file["time"][:]
        values = {name: file[name][:] for name in file if file[name].shape[:1] == time.shape}
    norm = np.abs(values["polarization_norm_error"]).max(initial=0.0)
    number = values["number"]
    scale = np.abs(number[:1]).max(initial=0.0) or 1.0
    lost = np.abs(number - number[:1]).max(initial=0.0) / scale
    faults = []
    if not is_whole(path):
        faults.append("the checksum does not fit")
    if not np.all(np.diff(time) > 0) or not np.isfinite(time).all():
        faults.append("times do not rise")
    if not np.isfinite(values["flavor_matrix"]).all():
        faults.append("not finite")
    if _keeps_number(case) and not lost <= DRIFT:
        faults.append("number is not conserved")
    text = f"{time.size} rows, number drift {lost:.1e}"
    if _keeps_norm(case):
        text += f", |P|^2 drift {norm:.1e}"
        if not norm <= DRIFT:
            faults.append("|P|^2 is not conserved")
    return not faults, ": ".join([text, ", ".join(faults)] if faults else [text])


def _keeps_number(case) -> bool:
    """Is the number conserved? Not with absorption and emission, nor between open ends."""
    if case is None:
        return True
    collisions = case.terms.get("collisions")
    closed = case.grid.z.boundary in ("periodic", "reflecting", ("reflecting", "reflecting"))
    return closed and (collisions is None or collisions.absorption is None)


def _keeps_norm(case) -> bool:
    """Is int |P|^2 of every mode conserved? Not with gradient terms, collisions, or damping."""
    if case is None or "gradient" in case.terms or "collisions" in case.terms:
        return False
    advection = case.terms.get("advection")
    return not advection or not (advection.filter or advection.order % 2)


def _fields(path: Path, case) -> tuple[bool, str]:
    import h5py

    from hpcqke.fields_file import damaged_frames

    damaged = damaged_frames(path)
    with h5py.File(path, "r", locking=False) as file:
        times = file["time"][:]
        frames = int(np.argmax(np.append(np.isnan(times), True)))
        bad = [i for i in range(frames) if not np.isfinite(file["rho"][i]).all()]
    faults = []
    if damaged:
        faults.append(f"the checksum does not fit: frames {damaged}")
    if bad:
        faults.append(f"not finite: frames {bad}")
    if not np.all(np.diff(times[:frames]) > 0) or not np.isfinite(times[:frames]).all():
        faults.append("times do not rise")
    return not faults, ": ".join([f"{frames} frames", *faults])


CHECKS = {"series.nc": _series, "fields.nc": _fields}
