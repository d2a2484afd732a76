"""The physics terms. A new one is one file in this folder and one import line here."""

from hpcqke.terms.advection import Advection as Advection
from hpcqke.terms.base import REGISTRY as REGISTRY
from hpcqke.terms.base import Term as Term
from hpcqke.terms.collisions import Collisions as Collisions
from hpcqke.terms.gradient import Gradient as Gradient
from hpcqke.terms.ledger import Ledger as Ledger
from hpcqke.terms.matter import Matter as Matter
from hpcqke.terms.self_interaction import SelfInteraction as SelfInteraction
from hpcqke.terms.vacuum import Vacuum as Vacuum
