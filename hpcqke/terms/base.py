"""A physics term: the name of its section, its config, its stencils, what it conserves."""

from dataclasses import dataclass
from typing import Any, ClassVar

REGISTRY: dict[str, type["Term"]] = {}
"""Every term by name, in the order in which terms/__init__.py imports them."""


class Term:
    """One term of the kinetic equation; a subclass with a `name` is in the registry by itself.

    `name` is the TOML section [terms.NAME]; the first line of the docstring is what `hpcqke info`
    prints; `conserves` names the integrals that the term alone keeps.
    """

    name: ClassVar[str]
    conserves: ClassVar[tuple[str, ...]] = ()

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Fields made with the helpers of hpcqke.schema."""

    def __init_subclass__(cls, **keywords: Any):
        super().__init_subclass__(**keywords)
        if "name" in cls.__dict__:
            if cls.name in REGISTRY:
                raise TypeError(f"two terms are called {cls.name!r}")
            REGISTRY[cls.name] = cls

    @classmethod
    def doc(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def stencil_z(cls, config: Any) -> int:
        """Cells needed on each side along z."""
        return 0

    @classmethod
    def stencil_p(cls, config: Any) -> int:
        """Modes needed on each side along the momentum axis."""
        return 0
