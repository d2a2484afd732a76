#!/bin/bash
# with_mpi_env.sh COMMAND...: run it with the settings of mpi.env
. "$(dirname "${BASH_SOURCE[0]}")/mpi.env"
exec "$@"
