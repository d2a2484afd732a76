"""Conduct a run: prepare its folder, begin or go on, step to the end, leave everything in order."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import numpy as np

from hpcqke import signals
from hpcqke.diagnostics import Diagnostics
from hpcqke.errors import CaseError, HpcqkeError
from hpcqke.hook import LABEL, StepHook
from hpcqke.integrate import Integrator, Progress
from hpcqke.lock import RunLock
from hpcqke.outputs import Outputs
from hpcqke.progress import Clock, Log, Reporter
from hpcqke.run_folder import RunFolder, differences
from hpcqke.schedule import Schedule
from hpcqke.simulation import Run
from hpcqke.storage import on_root, together
from hpcqke.units import label


def make_schedules(case) -> dict[str, Schedule]:
    """When series rows, fields and checkpoints are due."""
    start, end = case.time.start, case.time.end
    out, check = case.output, case.checkpoint
    return {
        "series": Schedule(
            start, end, out.series_every, out.series_every_steps, out.series_every_wall
        ),
        "fields": Schedule(
            start, end, out.fields_every, out.fields_every_steps, out.fields_every_wall
        ),
        "checkpoint": Schedule(
            start, end, check.every, check.every_steps, check.every_wall or None
        ),
    }


def conduct(sim, restart: str, quiet: bool) -> Run:
    """See `Simulation.run`."""
    case, ps = sim.case, sim.ps
    folder = RunFolder(Path(case.output.directory))
    log = Log(ps.rank == 0, quiet)
    lock = RunLock(folder.path, ps.comm)
    try:
        return _conduct(sim, restart, folder, log)
    except CaseError:
        raise
    except HpcqkeError as error:
        if ps.rank == 0:
            folder.set_failed(str(error))
        raise
    except BaseException as error:  # perhaps on this rank alone: no other could tell
        folder.set_failed(f"{type(error).__name__} on rank {ps.rank}: {error}")
        raise
    finally:
        log.close()
        lock.release()


def _conduct(sim, restart: str, folder: RunFolder, log: Log) -> Run:
    case, ps = sim.case, sim.ps
    begun = perf_counter()
    clock, schedules = Clock(), make_schedules(case)
    # K of p alone is in MeV then, that of the ledger in units of U
    with_kinetic = case.units.system == "mu" or "ledger" in case.terms
    diagnostics = Diagnostics(sim.equation, case.output.spectrum_modes, with_kinetic)
    reporter = Reporter(
        log,
        sim.equation,
        case.time.start,
        case.time.end,
        case.output.progress_every,
        label("1/mu", case.units.system),
    )
    found = _find_checkpoint(sim, restart, folder, diagnostics, log, schedules)
    outputs, meta = found
    hook = StepHook(ps, outputs, schedules, reporter, clock)
    integrator = Integrator(case.time, ps, sim.equation, hook, sim.options)
    with owned(integrator, diagnostics):
        now = begin(sim, outputs, meta, integrator, diagnostics, folder, log, clock)
        if now.t >= case.time.end and meta is not None:
            log.say(f"already finished at t = {now.t:.9g}: nothing to do ({folder.path})")
            outputs.finish()
            return _status(sim, folder, log, "finished", "", now)
        reporter.start_from(now)
        going = True
        with clock("stepping"):
            while going and now.t < integrator.end:
                going = integrator.advance(next_landing(schedules, now, integrator.end))
        return _end(now, outputs, hook, reporter, clock, folder, log, sim, begun)


@contextmanager
def owned(*objects):
    """Destroy PETSc's objects together; an error that is no `HpcqkeError` may be of one rank."""
    alone = True
    try:
        yield
        alone = False
    except HpcqkeError:
        alone = False
        raise
    finally:
        for thing in () if alone else objects:
            thing.destroy()


def next_landing(schedules, now, end: float) -> float:
    """The end of the segment that ``now`` is in: the next time at which something is written.

    A run that goes on inside a segment whose end has moved (another interval, another time.end)
    begins a new segment where it is.
    """
    until = min(end, *(s.next_time(now.segment_start) for s in schedules.values()))
    if now.segment_step and until != now.segment_end:
        now.segment_start, now.segment_step = now.t, 0
        until = min(end, *(s.next_time(now.t) for s in schedules.values()))
    now.segment_end = until
    return until


def _find_checkpoint(sim, restart, folder, diagnostics, log, schedules):
    """The outputs, and the checkpoint's meta (None: begin anew). Decided on rank 0, for all."""
    case, ps = sim.case, sim.ps
    error = None
    if ps.rank == 0:
        try:
            if restart == "never":
                old = folder.set_aside()
                if old:
                    log.say(f"an earlier run was set aside in {old}")
            elif restart == "auto":
                folder.must_match(case)
        except HpcqkeError as fault:
            error = fault
    together(ps.comm, error)
    frames = schedules["fields"].count()
    outputs = Outputs(case, ps, folder, diagnostics, log, frames)
    if restart == "never":
        return outputs, None
    loaded = (
        outputs.checkpoints.load() if restart == "auto" else outputs.checkpoints.load_file(restart)
    )
    inside = Path(restart).resolve().parent == (folder.path / "checkpoints").resolve()
    if loaded is not None:
        X, meta = loaded
        _must_go_on(case, meta, folder if restart == "auto" or inside else restart)
    if loaded is None or not (restart == "auto" or inside):
        # New files begin here: what an earlier run has left in the folder is kept.
        old = on_root(ps.comm, folder.set_aside)
        if old:
            log.say(f"what an earlier run left was set aside in {old}")
            outputs = Outputs(case, ps, folder, diagnostics, log, frames)
    if loaded is None:
        return outputs, None
    if not (restart == "auto" or inside):
        meta = {**meta, "rows": None, "frames": None}
    ps.array(sim.vec)[...] = X.reshape(ps.rows, ps.row)
    sim._is_set = True
    return outputs, meta


def _must_go_on(case, meta: dict, where) -> None:
    """`CaseError` if the checkpoint is of other physics, or lies beyond the case's end."""
    faults = differences(case, meta["case"], where)
    if case.time.end < meta["t"]:
        faults.append(
            f"time.end = {case.time.end!r}: the checkpoint in {where} is at {meta['t']!r}"
        )
    if faults:
        raise CaseError(faults)


def begin(sim, outputs, meta, integrator, diagnostics, folder, log, clock) -> Progress:
    """Write the first row and frame, or go on where ``meta`` says; where the run is then."""
    case, ps = sim.case, sim.ps
    if sim.equation.ledger:
        sim.equation.ledger.restore(meta and meta["ledger"])
    if meta is None:
        if not sim._is_set:
            sim._initial_state()
        diagnostics.set_reference(ps.array(sim.vec, readonly=True))
        now = Progress(case.time.start, 0, integrator.first_step, case.time.start)
    else:
        diagnostics.reference = meta["reference"]
        now = Progress(
            meta["t"],
            meta["step"],
            meta["dt"],
            meta["segment_start"],
            meta["segment_step"],
            meta["segment_end"],
        )
        outputs.chain = [*meta["chain"], meta["provenance"]]

    def sign() -> None:
        log.open(folder.path / "run.log")
        folder.set_case(case)
        folder.set_status("running", f"from t = {now.t:.9g}, step {now.step}")

    on_root(ps.comm, sign)
    log.say(
        f"hpcqke {outputs.provenance['version']}: {case.name}, "
        f"{ps.nz} cells x {ps.np * ps.nv} modes, "
        f"{ps.N} flavors, {ps.S} species, {ps.ranks_z} x {ps.ranks_p} ranks (z x momentum), "
        f"in {folder.path}"
    )
    if caution := integrator.caution():
        log.warn(caution)
    outputs.begin(meta)
    integrator.begin(now, sim.vec)
    if meta is None or meta["rows"] is None:
        for name in ("series", "fields"):
            with clock(LABEL[name]):
                getattr(outputs, name)(now, sim.vec)
    if meta is not None:
        log.say(f"goes on from the checkpoint at t = {now.t:.9g}, step {now.step}")
    return now


def _end(now, outputs, hook, reporter, clock, folder, log, sim, begun) -> Run:
    case = sim.case
    finished = now.t >= case.time.end
    if not finished and hook.signal is None:
        with clock("checkpoints"):  # stopped by -ts_max_steps or -ts_max_time
            outputs.checkpoint(now, sim.vec)
    if finished:
        with clock("series"):
            outputs.finish()
    reporter.close(now, perf_counter() - begun, clock)
    if finished and case.output.growth_window is not None and sim.ps.rank == 0:
        _say_growth(folder, log)
    why = "" if finished else f"stopped by {hook.signal or 'a PETSc option'} "
    return _status(sim, folder, log, "finished" if finished else "resume", why, now)


def _say_growth(folder: RunFolder, log: Log) -> None:
    """Measured and predicted growth rates; the run is whole even if they cannot be had."""
    from hpcqke.analysis.closing import growth_lines

    try:
        lines = growth_lines(folder.path)
    except (HpcqkeError, np.linalg.LinAlgError) as why:
        lines = [f"growth: no prediction: {why}"]
    for line in lines:
        log.say(line)


def _status(sim, folder: RunFolder, log: Log, word: str, why: str, now) -> Run:
    text = f"{why}at t = {now.t:.9g}, step {now.step}"
    sim.ps.comm.Barrier()  # what a rank may still meet must come before the good news
    on_root(sim.ps.comm, lambda: folder.set_status(word, text))
    log.say(f"{word} {text}: {folder.path}")
    signals.clear()
    return Run(folder.path, word)
