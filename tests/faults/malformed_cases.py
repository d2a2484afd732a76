"""Every malformed case there is."""

import malformed_boundary
import malformed_collisions
import malformed_files
import malformed_grids
import malformed_keys
from malformed_base import Malformed

CASES: list[Malformed] = [
    *malformed_keys.CASES,
    *malformed_grids.CASES,
    *malformed_boundary.CASES,
    *malformed_collisions.CASES,
    *malformed_files.CASES,
]
