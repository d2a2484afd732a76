"""rho(t_0, z, p) as a file holds it: the last time of a fields.nc on the same grid."""

from dataclasses import dataclass

from hpcqke.initial.base import Recipe
from hpcqke.schema import text


class FromFile(Recipe):
    """The state that a file holds."""

    name = "file"

    @dataclass(frozen=True, kw_only=True)
    class Config(Recipe.Config):
        """Where the file is."""

        path: str = text(doc="a fields.nc, relative to the folder in which the run is started")
