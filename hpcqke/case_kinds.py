"""The kinds that only a case has: its name, the terms that are on, the recipe of initial data."""

from collections.abc import Iterator, Mapping
from typing import Any

from hpcqke import initial, terms
from hpcqke.faults import Faults, join, nearest, show
from hpcqke.schema import Kind, Partial, Refused, Section, field, read


class Frozen(Mapping):
    """A mapping that can't be changed; it can be hashed, compared and pickled."""

    def __init__(self, items: Mapping[str, Any]):
        self.pairs = tuple(items.items())

    def __getitem__(self, key: str) -> Any:
        for name, value in self.pairs:
            if name == key:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return repr(dict(self.pairs))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__:
            raise AttributeError(f"{name} can't be changed")
        super().__setattr__(name, value)


class SwitchedOn(Section):
    """[terms.NAME]: the terms that are on, in the order of the registry."""

    allowed = "a section [terms.NAME] for each term"

    def __init__(self) -> None:
        """Which terms there are is asked when a case is read, not when this is imported."""

    def read(self, value: Any, path: str, faults: Faults) -> Any:
        known = terms.REGISTRY
        if not isinstance(value, Mapping):
            faults.add(path, f"must be {self.allowed}", value)
            return Partial(Frozen, {})
        if not value:
            faults.add(path, f"missing; must have a section for each term: {', '.join(known)}")
        for name in value:
            if name not in known:
                faults.unknown(path, name, value[name], known)
        return Frozen({
            name: read(term.Config, value[name], join(path, name), faults)
            for name, term in known.items() if name in value
        })


class Recipe(Section):
    """[initial]: `recipe` says which keys there are."""

    def __init__(self) -> None:
        """Which recipes there are is asked when a case is read, not when this is imported."""

    def read(self, value: Any, path: str, faults: Faults) -> Any:
        known = initial.REGISTRY
        if not isinstance(value, Mapping):
            faults.add(path, f"must be a table [{path}]", value)
            return Partial(initial.Recipe.Config, {})
        name = value.get("recipe")
        if not isinstance(name, str) or name not in known:
            allowed = f"must be {' or '.join(show(n) for n in known)}"
            if "recipe" not in value:
                faults.add(join(path, "recipe"), f"missing; {allowed}")
            else:
                hint = nearest(name, known) if isinstance(name, str) else ""
                faults.add(join(path, "recipe"), allowed + hint, name)
            return Partial(initial.Recipe.Config, {})
        return read(known[name].Config, value, path, faults)


class OptionalRecipe(Kind):
    """[inflow]: a recipe, or nothing."""

    def __init__(self) -> None:
        """As of `Recipe`."""
        self.allowed = "a section with the keys of [initial]"

    def read(self, value: Any, path: str, faults: Faults) -> Any:
        return Recipe().read(value, path, faults)


ENDS = ("inflow", "outflow", "reflecting")


def boundary(default: Any, *, doc: str = "") -> Any:
    """"periodic", or what both ends of an open box are, or a list of two such names."""

    def convert(value: Any) -> str | tuple[str, str]:
        pair = value if isinstance(value, (list, tuple)) else (value, value)
        if value == "periodic":
            return value
        if len(pair) != 2 or any(end not in ENDS for end in pair):
            raise Refused(nearest(value, ("periodic", *ENDS)) if isinstance(value, str) else "")
        return value if isinstance(value, str) else tuple(value)

    allowed = f'"periodic" or {" or ".join(show(n) for n in ENDS)}, or [left, right] of the latter'
    return field(Kind(allowed, convert), default, doc)


def name(default: Any, *, doc: str = "") -> Any:
    """A string that can be the name of a folder."""

    def convert(value: Any) -> str:
        plain = isinstance(value, str) and value.strip(". ") and value.isprintable()
        if not plain or "/" in value or len(value) > 100:
            raise Refused
        return value

    allowed = "a name of at most 100 characters without / and control characters"
    return field(Kind(allowed, convert), default, doc)
