"""The recipes of initial data. A new one is one file in this folder and one import line here."""

from hpcqke.initial.base import REGISTRY as REGISTRY
from hpcqke.initial.base import Recipe as Recipe
from hpcqke.initial.distribution import Distribution as Distribution
from hpcqke.initial.eigenmode import Eigenmode as Eigenmode
from hpcqke.initial.from_file import FromFile as FromFile
from hpcqke.initial.lcg import Lcg as Lcg
from hpcqke.initial.modes import Modes as Modes
from hpcqke.initial.random_seeds import RandomSeeds as RandomSeeds
from hpcqke.initial.tilted import Tilted as Tilted
