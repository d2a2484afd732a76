#!/bin/bash
# Install what is missing, build, run the tests on 1 and several ranks. The last line is "N passed, N failed, ...".
#   tests/run.sh                           everything
#   tests/run.sh unit parallel             some folders of tests/
#   tests/run.sh -R restart                what ctest selects by its options
#   tests/run.sh tests/unit/test_case.py -k missing      what pytest selects, on one process
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
"$root/jobs/bootstrap.sh" || { echo "0 passed, 1 failed: no working installation"; exit 1; }
. "$root/jobs/mpi.env"
export PATH=$root/.venv/bin:$PATH
unset PETSC_DIR PETSC_ARCH
[ -w "${HOME:-/none}" ] || export MPLCONFIGDIR=$root/build/matplotlib    # its caches need a folder
build=$root/build/cmake

if [[ ${1:-} == */* ]] && [ -e "${1%%::*}" ]; then
  exec timeout 3000 "$root/.venv/bin/python" -m pytest "$@"
fi
labels=()
while [ $# -gt 0 ] && [ -d "tests/$1" ]; do labels+=("^$1\$"); shift; done
select=()
[ ${#labels[@]} = 0 ] || select=(-L "$(IFS='|'; echo "${labels[*]}")")

rm -rf "$build/results" "$build/Testing"
cmake "$build" >/dev/null || { echo "0 passed, 1 failed: cmake cannot list the tests"; exit 1; }
timeout 3300 ctest --test-dir "$build" --output-on-failure --timeout 1200 --no-tests=error \
  -j "$(getconf _NPROCESSORS_ONLN)" "${select[@]}" "$@" </dev/null
status=$?
python "$root/tests/summary.py" "$build" $SECONDS
summary=$?
[ $status = 0 ] && [ $summary = 0 ]
