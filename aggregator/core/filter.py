"""Filters in AIP-160 syntax, parsed into one typed tree.

The tree has no NOT: a negation is carried down to the comparisons, which each have an opposite. That is what makes
unknown values simple. A comparison with an unknown value is neither true nor false, and neither is its opposite
(Kleene's logic). AND and OR only ever make truths out of truths, so a play is in a split if and only if the tree holds
with every comparison of an unknown value taken as false.
"""

from __future__ import annotations

import difflib
import enum
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lark

from aggregator.core.fields import Field, FieldType, Schema
from aggregator.core.records import Value
from playscore.errors import FieldViolation, PlayscoreError, Reason

MAX_DEPTH: Final = 24
"""Levels of ANDs within ORs within ANDs."""
MAX_COMPARISONS: Final = 64
MAX_WILDCARDS: Final = 16
"""Asterisks in all of a filter: each comparison that has one looks at every different text of its field."""
FIELD: Final = "split.filter"
"""Where a request has its filter."""

WILDCARD: Final = "*"
"""In a text that a string is compared with by EQ or NE: any characters."""

_INTEGER = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?([0-9]{1,15}(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_WANTED: tuple[tuple[set[str], str], ...] = (
    ({"WORD"}, "a field"),
    ({"ARGUMENT", "STRING"}, "a value"),
    ({"COMPARATOR"}, "a comparison"),
    ({"_AND", "_OR"}, "AND, OR"),
    ({"_CLOSE"}, "')'"),
)


class Operator(enum.Enum):
    """How a field is compared with a value."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def opposite(self) -> Operator:
        """The operator that holds exactly where this one does not, for known values."""
        return _OPPOSITES[self]


_OPPOSITES = {
    Operator.EQ: Operator.NE,
    Operator.NE: Operator.EQ,
    Operator.LT: Operator.GE,
    Operator.GE: Operator.LT,
    Operator.GT: Operator.LE,
    Operator.LE: Operator.GT,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`. In a string compared by EQ or NE, `*` stands for any characters."""

    field: Field
    operator: Operator
    value: Value

    @property
    def pattern(self) -> str | None:
        """The value, where it has a wildcard."""
        wild = self.operator in (Operator.EQ, Operator.NE) and isinstance(self.value, str) and WILDCARD in self.value
        return str(self.value) if wild else None


@dataclass(frozen=True, slots=True)
class Presence:
    """`field:*`: the field is known, or with `known` False, that it is not. Never unknown itself."""

    field: Field
    known: bool


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold; none is everything."""

    operands: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of them holds."""

    operands: tuple[Filter, ...]


Filter = Comparison | Presence | And | Or

EVERYTHING = And(())


def parse_filter(text: str, schema: Schema) -> Filter:
    """The filter that `text` says; EVERYTHING for an empty one.

    Raises FILTER_INVALID, FILTER_FIELD_UNKNOWN or FILTER_TYPE_MISMATCH, with the place and what would be right.
    """
    parsed = _parsed(text, schema)
    if isinstance(parsed, PlayscoreError):
        raise PlayscoreError(parsed.reason, parsed.detail, fields=parsed.fields)
    return parsed


@functools.lru_cache(maxsize=1024)
def _parsed(text: str, schema: Schema) -> Filter | PlayscoreError:
    """What `parse_filter` returns or raises: wrong filters are not parsed again and again either."""
    try:
        return _Builder(text, schema).transform(_parser().parse(text))
    except lark.UnexpectedInput as unexpected:
        return _does_not_parse(text, unexpected)
    except lark.exceptions.VisitError as failure:
        if not isinstance(failure.orig_exc, PlayscoreError):
            raise
        error = failure.orig_exc
        return PlayscoreError(error.reason, error.detail, fields=error.fields)


def patterns(node: Filter) -> Iterator[Comparison]:
    """The comparisons that have a wildcard."""
    match node:
        case Comparison():
            if node.pattern is not None:
                yield node
        case And() | Or():
            for operand in node.operands:
                yield from patterns(operand)


def demanded(node: Filter, field: str) -> tuple[str, ...]:
    """The texts that a field must equal wherever a filter holds: comparisons by `=` that no OR makes optional."""
    match node:
        case Comparison() if node.field.name == field and node.operator is Operator.EQ and node.pattern is None:
            return (str(node.value),)
        case And():
            return tuple(text for operand in node.operands for text in demanded(operand, field))
        case _:
            return ()


@functools.cache
def _parser() -> lark.Lark:
    grammar = Path(__file__).with_suffix(".lark").read_text()
    return lark.Lark(grammar, start="filter", parser="lalr", maybe_placeholders=True)


def _extent(node: Filter) -> tuple[int, int]:
    """Levels below and with a node, and comparisons."""
    if isinstance(node, Comparison | Presence):
        return 0, 1
    extents = [_extent(operand) for operand in node.operands]
    return 1 + max((depth for depth, _ in extents), default=0), sum(comparisons for _, comparisons in extents)


def _negated(node: Filter) -> Filter:
    match node:
        case Comparison():
            return Comparison(node.field, node.operator.opposite, node.value)
        case Presence():
            return Presence(node.field, not node.known)
        case And():
            return Or(tuple(_negated(operand) for operand in node.operands))
        case Or():
            return And(tuple(_negated(operand) for operand in node.operands))


class _Builder(lark.visitors.Transformer_NonRecursive[lark.Token, Filter]):
    """Builds the typed tree from the leaves up, so that nothing too deep is ever built."""

    def __init__(self, text: str, schema: Schema) -> None:
        super().__init__()
        self._text = text
        self._schema = schema
        self._wildcards = 0

    def filter(self, children: list[Filter | None]) -> Filter:
        return children[0] or EVERYTHING

    def expression(self, children: list[Filter]) -> Filter:
        return self._joined(And, children)

    def sequence(self, children: list[Filter]) -> Filter:
        return self._joined(And, children)

    def factor(self, children: list[Filter]) -> Filter:
        return self._joined(Or, children)

    def negation(self, children: list[Filter]) -> Filter:
        return _negated(children[0])

    def restriction(self, children: list[lark.Token | None]) -> Filter:
        name, comparator, argument = children
        assert name is not None
        known = self._field(name)
        if comparator is None or argument is None:
            return self._bare(known, name)
        if comparator == ":":
            if argument == "*":
                return Presence(known, known=True)
            operator = Operator.EQ
        else:
            operator = Operator(str(comparator))
        if operator not in (Operator.EQ, Operator.NE) and known.type in (FieldType.BOOLEAN, FieldType.ENUM):
            raise self._mismatch(f"{known.name} has no order; compare it by = or !=", comparator)
        value = self._value(known, argument)
        if known.type is FieldType.STRING and operator in (Operator.EQ, Operator.NE):
            self._wildcards += str(value).count(WILDCARD)
            if self._wildcards > MAX_WILDCARDS:
                raise _invalid(f"the filter has more than {MAX_WILDCARDS} asterisks")
        return Comparison(known, operator, value)

    def _joined(self, kind: type[And] | type[Or], operands: list[Filter]) -> Filter:
        if len(operands) == 1:
            return operands[0]
        flat: list[Filter] = []
        for operand in operands:
            flat.extend(operand.operands if isinstance(operand, kind) else (operand,))
        joined = kind(tuple(flat))
        depth, comparisons = _extent(joined)
        if depth > MAX_DEPTH:
            raise _invalid(f"the filter is nested more than {MAX_DEPTH} levels deep")
        if comparisons > MAX_COMPARISONS:
            raise _invalid(f"the filter makes more than {MAX_COMPARISONS} comparisons")
        return joined

    def _field(self, name: lark.Token) -> Field:
        fields = self._schema.fields
        if name in fields:
            return fields[str(name)]
        if name.upper() in ("AND", "OR", "NOT"):
            raise _invalid(f"write {name.upper()} in capitals{_at(self._text, name.start_pos)}")
        close = difflib.get_close_matches(str(name), fields, n=1)
        unknown = f"there is no field {str(name)!r}" + (f"; did you mean {close[0]}?" if close else ".")
        raise PlayscoreError(
            Reason.FILTER_FIELD_UNKNOWN,
            f"{unknown} Fields: {', '.join(fields)}{_at(self._text, name.start_pos)}",
            fields=(FieldViolation(FIELD, unknown),),
        )

    def _bare(self, known: Field, name: lark.Token) -> Filter:
        if known.type is not FieldType.BOOLEAN:
            raise self._mismatch(
                f"{known.name} is {known.type.value}, which is not true or false by itself: compare it, "
                f"or ask whether it is known by {known.name}:*",
                name,
            )
        return Comparison(known, Operator.EQ, True)

    def _value(self, known: Field, argument: lark.Token) -> Value:
        quoted = argument.type == "STRING"
        text = _unquoted(argument) if quoted else str(argument)
        match known.type:
            case FieldType.STRING:
                return text
            case FieldType.ENUM:
                if text in known.values:
                    return text
                raise self._mismatch(
                    f"{known.name} is one of {', '.join(known.values)}, not {text!r}{_meant(text, known.values)}",
                    argument,
                )
            case FieldType.BOOLEAN if not quoted and text in ("true", "false"):
                return text == "true"
            case FieldType.INTEGER if not quoted and _INTEGER.fullmatch(text):
                return int(text)
            case FieldType.NUMBER if not quoted and _NUMBER.fullmatch(text):
                return float(text)
            case _:
                raise self._mismatch(f"{known.name} is {known.type.value}, not {argument!s}", argument)

    def _mismatch(self, detail: str, token: lark.Token) -> PlayscoreError:
        return PlayscoreError(
            Reason.FILTER_TYPE_MISMATCH,
            detail + _at(self._text, token.start_pos),
            fields=(FieldViolation(FIELD, detail),),
        )


def _meant(text: str, values: Sequence[str]) -> str:
    """The value that a text without the prefix of its enum, or with a slip, may stand for; as the end of an error."""
    wanted = re.sub(r"\W+", "_", text.strip()).upper()
    named = [each for each in values if each.endswith(f"_{wanted}")]
    close = named or difflib.get_close_matches(wanted, values, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(r"\1", text[1:-1])


def _at(text: str, position: int | None) -> str:
    """The filter with a caret under a position, for the end of an error."""
    position = position or 0
    start = max(0, position - 60)
    shown = "".join(character if character.isprintable() else " " for character in text[start : position + 60])
    return f" (character {position + 1})\n  {shown}\n  {' ' * (position - start)}^"


def _does_not_parse(text: str, unexpected: lark.UnexpectedInput) -> PlayscoreError:
    expected: set[str]
    match unexpected:
        case lark.UnexpectedToken():
            expected = set(unexpected.accepts or unexpected.expected)
            at_end = unexpected.token.type == "$END"
            position = len(text.rstrip()) if at_end else unexpected.token.start_pos or 0
        case lark.UnexpectedCharacters():
            expected, position, at_end = set(unexpected.allowed or ()), unexpected.pos_in_stream, False
        case _:
            expected, position, at_end = set(), len(text), True
    wanted = " or ".join(words for names, words in _WANTED if names & expected) or "the end"
    found = "the end" if at_end else repr(text[position])
    return _invalid(f"the filter does not parse: {found} where {wanted} should be{_at(text, position)}")


def _invalid(detail: str) -> PlayscoreError:
    return PlayscoreError(Reason.FILTER_INVALID, detail, fields=(FieldViolation(FIELD, detail),))
