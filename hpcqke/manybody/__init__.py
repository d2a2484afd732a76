"""Beyond mean field: the spins behind a homogeneous two-flavor case, with their entanglement.

    H = 1/2 sum_i b_i.sigma_i + (mu/2N) sum_i<j J_ij sigma_i.sigma_j,     J_ij = 1 - n_i.n_j

whose mean field is the kinetic equation (`system`). `exact` solves it for N <= 14, `beams` for two
beams of any N up to 10^4, `bbgky` with pair correlations (for short times only); `mean_field` is
what they are compared with. `from_case` takes the Hamiltonian and the state from a case.
"""

from hpcqke.manybody.case_spins import from_case as from_case
from hpcqke.manybody.evolution import Evolution as Evolution
from hpcqke.manybody.evolution import residual as residual
from hpcqke.manybody.system import SpinSystem as SpinSystem
from hpcqke.manybody.system import beams_along as beams_along
