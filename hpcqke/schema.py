"""One mechanism for every section of a case: a frozen dataclass whose fields say what is allowed.

    @dataclass(frozen=True, kw_only=True)
    class Config:
        cells: int = integer(minimum=1, doc="cells along z")
        filter: float = number(0.0, minimum=0, maximum=1)

    config = read(Config, {"cells": 100}, "grid.z", faults)

A field without a default is required; a default of None means "may be left out".
`read` never stops at the first fault, and what it returns is immutable: lists become tuples.
After a fault it returns a `Partial`, so that checks between sections can still use what is whole.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from hpcqke.faults import Faults, join, nearest, show

INT64 = 2**63 - 1


class Refused(ValueError):
    """A value that a kind does not allow; the text is added to what is allowed."""


class Unusable(Exception):
    """A check asked for a value that is already a fault."""


class Partial:
    """A config with faults: its whole values as attributes; any other raises `Unusable`."""

    def __init__(self, cls: type, values: dict[str, Any]):
        self.__dict__.update(values, config_class=cls)

    def __getattr__(self, name: str) -> Any:
        raise Unusable(name)


FAULTY = object()
"""What a kind returns after it has added its fault."""


class Kind:
    """What a field may hold: `allowed` in words, and `read`, which converts or adds faults."""

    def __init__(self, allowed: str, convert: Callable[[Any], Any]):
        self.allowed, self.convert = allowed, convert

    def read(self, value: Any, path: str, faults: Faults) -> Any:
        try:
            return self.convert(value)
        except Refused as refused:
            faults.add(path, f"must be {self.allowed}{refused}", value)
            return FAULTY


def field(kind: Kind, default: Any, doc: str) -> Any:
    """A dataclass field that carries its kind; used by the helpers below."""
    metadata = {"kind": kind, "doc": doc}
    return dataclasses.field(default=default, metadata=metadata)


def number(default: Any = dataclasses.MISSING, *, minimum: float | None = None,
           maximum: float | None = None, above: float | None = None, unit: str = "",
           doc: str = "") -> Any:
    """A finite float; integers are taken as floats. `above` is an excluded lower limit."""
    return field(_number(minimum, maximum, above, unit), default, doc)


def integer(default: Any = dataclasses.MISSING, *, minimum: int = -INT64, maximum: int = INT64,
            doc: str = "") -> Any:
    """An integer; a bool or a float is refused."""
    limits = _limits(minimum if minimum > -INT64 else None, maximum if maximum < INT64 else None)

    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused
        if not minimum <= value <= maximum:
            raise Refused
        return value

    return field(Kind("an integer" + limits, convert), default, doc)


def boolean(default: Any = dataclasses.MISSING, *, doc: str = "") -> Any:
    """true or false."""

    def convert(value: Any) -> bool:
        if not isinstance(value, bool):
            raise Refused
        return value

    return field(Kind("true or false", convert), default, doc)


def text(default: Any = dataclasses.MISSING, *, doc: str = "") -> Any:
    """A string that is not empty and has no control characters."""

    def convert(value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise Refused
        return value

    return field(Kind("a string that is not empty and has no control characters", convert),
                 default, doc)


def choice(*choices: Any, default: Any = dataclasses.MISSING, doc: str = "") -> Any:
    """One of the listed strings or integers."""

    def convert(value: Any) -> Any:
        for candidate in choices:
            if type(candidate) is type(value) and candidate == value:
                return candidate
        names = [c for c in choices if isinstance(c, str)]
        raise Refused(nearest(value, names) if isinstance(value, str) else "")

    return field(Kind(" or ".join(show(c) for c in choices), convert), default, doc)


def numbers(default: Any = dataclasses.MISSING, *, length: int | None = None,
            minimum: float | None = None, maximum: float | None = None,
            above: float | None = None, unit: str = "", doc: str = "") -> Any:
    """A list of finite floats, at least one (or exactly `length`)."""
    one = _number(minimum, maximum, above, unit)
    many = f"a list of {length} numbers" if length else "a list of numbers, at least one"

    def convert(value: Any) -> tuple[float, ...]:
        if not isinstance(value, (list, tuple)) or not value:
            raise Refused
        if length and len(value) != length:
            raise Refused
        return tuple(one.convert(item) for item in value)

    limits = one.allowed.removeprefix("a number")
    return field(Kind(many + (", each" if limits else "") + limits, convert), default, doc)


def numbers_by_momentum(default: Any = dataclasses.MISSING, *, minimum: float | None = None,
                        unit: str = "", doc: str = "") -> Any:
    """A list of finite floats, or a list of such lists (a list for each momentum)."""
    one = _number(minimum, None, None, unit)

    def convert(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or not value:
            raise Refused
        nested = [isinstance(item, (list, tuple)) for item in value]
        if not any(nested):
            return tuple(one.convert(item) for item in value)
        if not all(nested) or not all(value):
            raise Refused
        return tuple(tuple(one.convert(item) for item in inner) for inner in value)

    limits = one.allowed.removeprefix("a number")
    allowed = "a list of numbers, or a list of such lists, each number" + limits
    return field(Kind(allowed, convert), default, doc)


def section(cls: type, *, doc: str = "") -> Any:
    """A sub-section; if it is left out, its own defaults and missing keys decide."""
    return field(Section(cls), None, doc)


def tables(cls: type, *, doc: str = "") -> Any:
    """A list of tables, at least one, each read as the dataclass `cls`."""
    return field(Tables(cls), dataclasses.MISSING, doc)


class Section(Kind):
    def __init__(self, cls: type):
        self.cls = cls

    def read(self, value: Any, path: str, faults: Faults) -> Any:
        return read(self.cls, value, path, faults)


class Tables(Kind):
    def __init__(self, cls: type):
        self.cls, self.allowed = cls, "a list of tables, at least one"

    def read(self, value: Any, path: str, faults: Faults) -> Any:
        if not isinstance(value, (list, tuple)) or not value:
            faults.add(path, f"must be {self.allowed}", value)
            return FAULTY
        return tuple(read(self.cls, v, f"{path}[{i}]", faults) for i, v in enumerate(value))


def read(cls: type, table: Any, path: str, faults: Faults) -> Any:
    """The dataclass `cls` from a TOML table, or a `Partial` and a line in `faults` a fault."""
    if not isinstance(table, Mapping):
        faults.add(path, f"must be a table [{path}]", table)
        return Partial(cls, {})
    before = len(faults)
    fields = {f.name: f for f in dataclasses.fields(cls) if "kind" in f.metadata}
    for key in table:
        if key not in fields:
            faults.unknown(path, key, table[key], fields)
    values = {}
    for name, f in fields.items():
        kind = f.metadata["kind"]
        if name in table or isinstance(kind, Section):
            values[name] = kind.read(table.get(name, {}), join(path, name), faults)
        elif f.default is dataclasses.MISSING:
            faults.add(join(path, name), f"missing; must be {kind.allowed}")
        else:
            values[name] = f.default
    if len(faults) == before:
        return cls(**values)
    return Partial(cls, {name: value for name, value in values.items() if value is not FAULTY})


def _number(minimum: float | None, maximum: float | None, above: float | None, unit: str) -> Kind:
    def convert(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Refused(" (a plain number, without a unit)" if isinstance(value, str) else "")
        if abs(value) > 1e300 or math.isnan(value):
            raise Refused(", and finite")
        if (minimum is not None and value < minimum) or (above is not None and value <= above):
            raise Refused
        if maximum is not None and value > maximum:
            raise Refused
        return float(value)

    return Kind("a number" + _limits(minimum, maximum, above) + (f" in {unit}" if unit else ""),
                convert)


def _limits(minimum: float | None, maximum: float | None, above: float | None = None) -> str:
    if above is not None:
        return f" > {above:g}" + (f" and <= {maximum:g}" if maximum is not None else "")
    if minimum is not None and maximum is not None:
        return f" from {minimum} to {maximum}"
    if minimum is not None:
        return f" >= {minimum}"
    return f" <= {maximum}" if maximum is not None else ""
