#!/bin/bash
# Measure anew what README says under "Performance and scaling", and what CI compares with: on an idle machine,
# after tests/run.sh or jobs/quickstart.sh; five minutes. Then look at git diff.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. jobs/mpi.env
export PATH=$PWD/.venv/bin:$PATH
bench=tests/bench
# the stored rates are those of the quick benchmark, which CI runs
timeout 200 python $bench/all.py --quick --update
timeout 900 python $bench/all.py --json $bench/results/all.json
timeout 300 mpirun -n 16 python $bench/scaling.py --json $bench/results/scaling.json --png $bench/results/scaling.png
python tests/readme_tables.py --write
