# The environment of a batch job at your site. Sourced by run.slurm and scan.slurm; edit it, or set
# these variables before sbatch:
#   HPCQKE_MODULES   environment modules to load, for example "gcc openmpi petsc hdf5 python"
#   HPCQKE_ENV       folder of the venv, conda or Spack view that has hpcqke (default: .venv here)
#   HPCQKE_LAUNCH    how ranks are started: "mpirun -n 64" (default) or "srun --mpi=pmix"
: "${HPCQKE_MODULES:=}"
: "${HPCQKE_ENV:=$HPCQKE_ROOT/.venv}"
: "${HPCQKE_LAUNCH:=mpirun -n ${SLURM_NTASKS:-1}}"

if [ -n "$HPCQKE_MODULES" ]; then
  module purge
  module load $HPCQKE_MODULES
fi
[ ! -d "$HPCQKE_ENV/bin" ] || export PATH=$HPCQKE_ENV/bin:$PATH
. "$HPCQKE_ROOT/jobs/mpi.env"
command -v hpcqke >/dev/null || { echo "no hpcqke on the PATH: see HPCQKE_ENV in jobs/env.sh" >&2; exit 1; }
