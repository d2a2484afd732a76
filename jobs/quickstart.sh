#!/bin/bash
# From nothing to the first picture: install what is missing, build, run the two-beam case on 2 ranks, draw it.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
"$root/jobs/bootstrap.sh" || exit 1
. "$root/jobs/mpi.env"
unset PETSC_DIR PETSC_ARCH
export PATH=$root/.venv/bin:$PATH
[ -w "${HOME:-/none}" ] || export MPLCONFIGDIR=$root/build/matplotlib    # its caches need a folder

run=$root/runs/quickstart
say() { printf '%4d s  %s\n' $SECONDS "$*"; }
stop() { echo "quickstart: $*" >&2; exit 1; }
if [ -e "$run" ]; then
  rm -rf "$run.old" && mv "$run" "$run.old" || stop "cannot move $run aside"
fi
say "running the case two_beam on 2 ranks"
timeout 1800 mpirun -n 2 "$root/.venv/bin/hpcqke" run two_beam --output "$run" </dev/null ||
  stop "the run has failed, see $run/run.log; hpcqke check tells what is wrong with an installation"
say "drawing"
timeout 600 "$root/.venv/bin/hpcqke" plot "$run" </dev/null || stop "the pictures could not be drawn"
say "done"
echo "run folder: $run ($(cat "$run/STATUS"))"
for picture in "$run"/plots/*; do echo "picture:    $picture"; done
