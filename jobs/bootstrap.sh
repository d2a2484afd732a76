#!/bin/bash
# Make .venv/ in the project's root with a built hpcqke in it; quick when nothing has changed.
#
# A working stack (mpi4py, petsc4py, h5py with MPI) is used where one is found: $HPCQKE_PYTHON, else the python3 on the
# PATH (modules, conda, an active environment), else /usr/bin/python3. Then nothing is installed system-wide. Otherwise,
# as root on Debian, the packages come from apt. Nothing needs PyPI, unless a stack that is not Debian's lacks a small tool.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
log=$root/build/bootstrap.log
wait_at_most=1500
# python3-munkres: matplotlib's fonttools would otherwise bring scipy and 370 MB with it
packages="python3 python3-venv python3-dev python3-numpy python3-mpi4py python3-petsc4py-real python3-petsc4py
  python3-h5py python3-h5py-mpi python3-setuptools python3-wheel python3-pytest python3-tomli-w python3-xarray
  python3-h5netcdf python3-matplotlib python3-munkres cython3 openmpi-bin gcc libc6-dev make cmake"

. "$root/jobs/mpi.env"
unset PETSC_DIR PETSC_ARCH PYTHONHOME      # another PETSc's address would send petsc4py there

say() { printf '%4d s  %s\n' $SECONDS "$*"; }
die() { printf 'bootstrap: %s\n' "$*" >&2; exit 1; }

# step TITLE COMMAND...: output to the log, a sign of life every 15 s, the log's end if it fails
step() {
  local title=$1 next=$((SECONDS + 15)); shift
  say "$title"
  # (a background job: bash would not see an interrupt before a foreground one ends)
  { echo "=== $title: $*"; timeout $wait_at_most "$@"; } >>"$log" 2>&1 </dev/null & pid=$!
  while kill -0 $pid 2>/dev/null; do
    sleep 0.2
    if [ $SECONDS -ge $next ]; then
      say "  ... $(grep -aE '^ *(\[ *[0-9]+%\]|Get:|Unpacking|Setting up)' "$log" | tail -n 1 | cut -c1-80)"
      next=$((SECONDS + 15))
    fi
  done
  wait $pid; local status=$?
  pid=""
  return $status
}
trap '[ -z "${pid:-}" ] || kill "$pid" 2>/dev/null; exit 130' INT TERM
failed() { tail -n 15 "$log" >&2; die "$1 (the whole output is in build/bootstrap.log)"; }

fingerprint() {
  cd "$root" && { echo "$root ${HPCQKE_PYTHON:-} ${HPCQKE_NATIVE:-} ${HPCQKE_MARCH:-}"
    find cython_kernels CMakeLists.txt tests/CMakeLists.txt setup.py pyproject.toml jobs/bootstrap.sh \
      jobs/stack.py -type f ! -name '*~' 2>/dev/null | LC_ALL=C sort | xargs sha256sum; } | sha256sum
}
sees() {  # does .venv still stand where it was made, and find these modules?
  grep -qsF "$venv/" "$venv/bin/pip" && "$venv/bin/python" -c '
import importlib.util, sys
sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))' "$@" 2>/dev/null
}
report() { timeout 120 "$1" -P "$root/jobs/stack.py" 2>&1 </dev/null || echo "core python: $1 does not run, or is older than 3.11"; }
has_core() { ! grep -q '^core' <<<"$1"; }
missing() { grep -E '^(core|extra)' <<<"$1" | sed 's/^[a-z]* //' | paste -sd';' | sed 's/;/; /g'; }

install_from_debian() {
  grep -qsE '^ID(_LIKE)?=.*debian' /etc/os-release && command -v apt-get >/dev/null ||
    die "cannot find $1, and this is not Debian: load your site's modules or environment (README) or set HPCQKE_PYTHON"
  [ "$(id -u)" = 0 ] ||
    die "cannot find $1, and only root can install it: as root, apt-get install" $packages
  export DEBIAN_FRONTEND=noninteractive
  local apt="apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300"
  step "looking for packages (apt-get update)" $apt update || failed "apt-get update failed: is there a network?"
  step "installing from Debian (about 200 packages, 200 MB)" $apt install -y --no-install-recommends $packages ||
    failed "apt-get install failed: is there a network?"
}

choose_python() {
  local candidate found why="" candidates
  candidates=${HPCQKE_PYTHON:-$(type -ap python3; echo /usr/bin/python3)}
  for candidate in $(printf '%s\n' $candidates | awk '!seen[$0]++'); do
    case $candidate in "$venv"/*) continue ;; esac
    command -v "$candidate" >/dev/null || continue
    found=$(report "$candidate")
    if has_core "$found"; then base=$candidate; return; fi
    why=$(missing "$(grep '^core' <<<"$found")")
  done
  [ -z "${HPCQKE_PYTHON:-}" ] || die "HPCQKE_PYTHON=$HPCQKE_PYTHON cannot be used: ${why:-no such program}"
  install_from_debian "a Python with mpi4py, petsc4py and a parallel h5py"
  base=/usr/bin/python3
  found=$(report $base)
  has_core "$found" || die "after the installation there is still missing: $(missing "$found")"
}

add_extras() {
  local extras
  extras=$(grep '^extra' <<<"$(report "$venv/bin/python")" | cut -d' ' -f2 | tr '\n' ' ')
  [ -n "$extras" ] || return 0
  if [ "$(readlink -f "$base")" = "$(readlink -f /usr/bin/python3)" ] && [ "$(id -u)" = 0 ]; then
    install_from_debian "$extras"
  else
    # h5netcdf and others would pull the serial h5py of PyPI over the stack's own; numpy must stay the stack's
    "$venv/bin/python" -c 'import numpy; print("numpy==" + numpy.__version__)' >"$venv/constraints"
    step "fetching $extras(pip, into .venv)" "$venv/bin/pip" install -q --only-binary :all: -c "$venv/constraints" \
      $(tr ' ' '\n' <<<"$extras" | grep -v h5netcdf) packaging || failed "cannot get $extras: is there a network?"
    case $extras in *h5netcdf*) step "fetching h5netcdf" "$venv/bin/pip" install -q --no-deps h5netcdf ;; esac
  fi
}

make_venv() {
  step "making .venv with $base" "$base" -m venv --system-site-packages --clear "$venv" || failed "cannot make .venv"
  # what the base interpreter sees and a virtual environment of it would not: petsc4py's folder, a parent environment
  report "$base" | sed -n 's/^path //p' | "$venv/bin/python" -c '
import pathlib, sys, sysconfig
lines = dict.fromkeys(line for line in sys.stdin.read().split("\n") if line and line not in sys.path)
pathlib.Path(sysconfig.get_path("purelib"), "hpcqke-stack.pth").write_text("".join(f"{line}\n" for line in lines))'
  local found
  found=$(report "$venv/bin/python")
  has_core "$found" || die ".venv made with $base lacks $(missing "$found")"
}

mkdir -p "$root/build" 2>/dev/null && [ -w "$root" ] || die "cannot write into $root: copy the project to a folder of yours"
now=$(fingerprint)
if [ "$(cat "$venv/built" 2>/dev/null)" = "$now" ] && compgen -G "$root/hpcqke/kernels/*.so" >/dev/null &&
  sees numpy mpi4py petsc4py h5py hpcqke; then
  say "ready: .venv is up to date"
  exit 0
fi
: >"$log"
if [ -z "${HPCQKE_PYTHON:-}" ] && sees pip && has_core "$(report "$venv/bin/python")"; then
  base=$(sed -n 's/^home *= *//p' "$venv/pyvenv.cfg")/python3
else
  say "looking for a Python with mpi4py, petsc4py and a parallel h5py"
  choose_python
  make_venv
fi
add_extras
PATH=$venv/bin:$PATH step "building the kernels" "$venv/bin/pip" install --disable-pip-version-check \
  --no-build-isolation --no-deps --no-index -v -e "$root" || failed "the build failed"
sed -n 's/.*\(Kernels:.*\)/        \1/p' "$log" | tail -n 1
echo "$now" >"$venv/built"
say "ready: $("$venv/bin/python" -V) in .venv; the program is .venv/bin/hpcqke"
