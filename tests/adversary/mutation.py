"""Makes a message wrong: in its bytes, or in its fields. The same random numbers make the same damage."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from playscore.field_limits import FIELD_LIMITS

HUGE: Final = 0.002
"""How often a damage may make a message of a megabyte or so."""
_MAX_BYTES: Final = 2**20

_WORDS: Final = (
    "", " ", "\0", "\n", "0", "-1", "NaN", "null", "true", "9" * 40, "a" * 128, "a" * 129, "a" * 257, "a" * 5_000,
    "../../etc/passwd", "%s%n{0}", "'; DROP TABLE score; --", "[red]name[/red]", "</script>", "\x1b[2J", "\r\nX: 1",
    "\u202eevil", "\u200b", "e\u0301" * 65, "\U0001f3c8" * 40, "\u0130\u017f\u212a", "\ufeffSIM", "\U0010ffff", "SIM",
    "passing", "REASON_INTERNAL",
)  # fmt: skip
_FILTERS: Final = (
    "down = 3", "NOT under_pressure", "team_id = \"KC\"", "quarter != 2", "depth = PASS_DEPTH_DEEP", "season >= 2030",
    "time_to_throw_seconds < 2.5", "game_id = \"1\"", "play_id = \"*\"", "subject_name = \"*a*\"", "down", "=",
    "down =", "down = down", "down = 'three'", "3 = down", "nobody = 1", "under_pressure = true", "(", ")", "-",
    "\"", "down:3", "down = 1e400", "week = -0", "level = OPPORTUNITY_LEVEL_HIGH", "period = 2", "x_feet < 1.5",
    "zone = ICE_ZONE_SLOT",
)  # fmt: skip
_NUMBERS: Final = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 5e-324, 1e308, -1e308, 1e-9, 2.0**53, 110.0)
_SAMPLES: Final = tuple(
    struct.pack("<f", value) for value in (float("nan"), float("inf"), -1e38, 1e38, 1e-45, 500.0, -0.0)
)


def mutated(random: Random, message: Message, donors: Sequence[Message]) -> tuple[bytes, str]:
    """A message with one to three damages, encoded, and what they are.

    Args:
        random: decides.
        message: of any contract; it is changed.
        donors: sound messages of the same type, to take parts of.
    """
    done = [_in_fields(random, message, donors) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    data = message.SerializeToString()
    if random.random() < 0.3:
        data, what = _in_bytes(random, data, donors)
        done.append(what)
    return data, "; ".join(done)


# --- fields ---


def _in_fields(random: Random, message: Message, donors: Sequence[Message]) -> str:
    path, parent, field = _place(random, message)
    if field is None:
        return "nothing"
    where = ".".join((*path, field.name))
    how = random.choice((_set, _set, _set, _clear, _exchange, _borrow))
    what = how(random, parent, field, donors)
    return f"{where} {what}"


def _place(random: Random, message: Message) -> tuple[list[str], Any, FieldDescriptor | None]:
    """A field to damage: mostly one that is set, at any depth."""
    path: list[str] = []
    while True:
        fields: Any = message.DESCRIPTOR.fields
        if not fields:
            return path, message, None
        there = [each for each, _ in message.ListFields()]
        field: FieldDescriptor = random.choice(there if there and random.random() < 0.85 else fields)
        if field.message_type is None or random.random() < 0.15:
            return path, message, field
        if field.is_repeated:
            items = getattr(message, field.name)
            if not items:
                return path, message, field
            at = random.randrange(len(items))
            path.append(f"{field.name}[{at}]")
            message = items[at]
        elif message.HasField(field.name):
            path.append(field.name)
            message = getattr(message, field.name)
        else:
            return path, message, field


def _clear(random: Random, parent: Any, field: FieldDescriptor, donors: Sequence[Message]) -> str:
    parent.ClearField(field.name)
    return "is gone"


def _set(random: Random, parent: Any, field: FieldDescriptor, donors: Sequence[Message]) -> str:
    if field.is_repeated:
        return _set_list(random, parent, field)
    if field.message_type is not None:
        parent.ClearField(field.name)
        getattr(parent, field.name).SetInParent()
        return "is empty"
    value = _value(random, field, getattr(parent, field.name))
    setattr(parent, field.name, value)
    return f"is {_shown(value)}"


def _set_list(random: Random, parent: Any, field: FieldDescriptor) -> str:
    items = getattr(parent, field.name)
    if not items:
        if field.message_type is not None:
            items.add()
        else:
            items.append(_value(random, field, field.default_value or _zero(field)))
        return "has one item"
    at = random.randrange(len(items))
    match random.randrange(5):
        case 0 if field.message_type is None:
            items[at] = _value(random, field, items[at])
            return f"[{at}] is {_shown(items[at])}"
        case 1:
            kept = list(items)
            random.shuffle(kept)
            _fill(parent, field, kept)
            return "is shuffled"
        case 2:
            _fill(parent, field, list(items)[: random.randrange(len(items))])
            return "is cut"
        case 3:
            limits = FIELD_LIMITS.get(field.full_name)
            most = limits.max_items if limits is not None and limits.max_items else 1_000
            size = items[at].ByteSize() if field.message_type is not None else 8
            allowed = _MAX_BYTES if random.random() < HUGE else _MAX_BYTES // 64
            times = max(2, min(most + 1, allowed // (size + 2)))
            _fill(parent, field, [*items, *[items[at]] * times])
            return f"[{at}] comes {times} more times"
        case _:
            _fill(parent, field, [*items, items[at]])
            return f"[{at}] comes twice"


def _fill(parent: Any, field: FieldDescriptor, items: list[Any]) -> None:
    kept = [type(item).FromString(item.SerializeToString()) for item in items] if field.message_type else items
    parent.ClearField(field.name)
    getattr(parent, field.name).extend(kept)


def _exchange(random: Random, parent: Any, field: FieldDescriptor, donors: Sequence[Message]) -> str:
    """The values of two fields of one kind change places."""
    if field.is_repeated or field.message_type is not None:
        return _clear(random, parent, field, donors)
    kin = [each for each in parent.DESCRIPTOR.fields if each.type == field.type and not each.is_repeated]
    other = random.choice(kin)
    one, two = getattr(parent, field.name), getattr(parent, other.name)
    setattr(parent, field.name, two)
    setattr(parent, other.name, one)
    return f"and {other.name} have changed places"


def _borrow(random: Random, parent: Any, field: FieldDescriptor, donors: Sequence[Message]) -> str:
    """The value that a field of this name and kind has elsewhere."""
    if not donors:
        return "stays"
    _, there, other = _place(random, random.choice(donors))
    for _ in range(8):
        if other is not None and (other.type, other.message_type, other.is_repeated) == (
            field.type,
            field.message_type,
            field.is_repeated,
        ):
            break
        _, there, other = _place(random, random.choice(donors))
    else:
        return _set(random, parent, field, donors)
    value = getattr(there, other.name)
    if field.is_repeated:
        _fill(parent, field, list(value))
    elif field.message_type is not None:
        getattr(parent, field.name).CopyFrom(value)
    elif field.enum_type is None or field.enum_type is other.enum_type:
        setattr(parent, field.name, value)
    return f"is {other.full_name} of another message"


def _zero(field: FieldDescriptor) -> Any:
    return b"" if field.type == FieldDescriptor.TYPE_BYTES else "" if field.cpp_type == _STRING else 0


_STRING: Final = FieldDescriptor.CPPTYPE_STRING


def _value(random: Random, field: FieldDescriptor, old: Any) -> Any:
    """Another value for a field, or for an item of one."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _columns(random, old)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return _text(random, field, old)
        case FieldDescriptor.CPPTYPE_BOOL:
            return not old
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return random.choice((*_NUMBERS, -old, old * 1e6, old + 0.5, random.uniform(-1e3, 1e3)))
        case FieldDescriptor.CPPTYPE_INT64:
            return random.choice((0, -1, 2**63 - 1, -(2**63), 2**53 + 1, random.randrange(-(2**63), 2**63)))
        case _:
            near = (old + 1, old - 1, -old, old * 1000, random.randrange(100))
            return max(-(2**31), min(2**31 - 1, random.choice((0, -1, 2**31 - 1, -(2**31), 99, 10_000_001, *near))))


def _text(random: Random, field: FieldDescriptor, old: str) -> str:
    if field.name == "filter":
        return _filter(random, old)
    if "token" in field.full_name.rpartition(".")[0].lower() + field.name and old and random.random() < 0.7:
        return _forged(random, old)
    if random.random() < HUGE:
        return random.choice("aé🏈") * 200_000
    return random.choice((*_WORDS, old[:-1], old + "1", old.upper(), old.swapcase(), old * 2, old[::-1]))


def _forged(random: Random, token: str) -> str:
    """A token that nobody gave out."""
    at = random.randrange(len(token))
    return random.choice(
        (
            token[:at] + chr(random.randrange(33, 127)) + token[at + 1 :],
            token[:at],
            token + token,
            token[::-1],
            token + "=",
            token[at:] + token[:at],
            "A" * len(token),
            "eyJhbGciOiJub25lIn0.e30.",
        )
    )


def _filter(random: Random, old: str) -> str:
    parts = [random.choice((*_FILTERS, old)) for _ in range(random.choice((1, 2, 3, 3, 12)))]
    joined = random.choice((" AND ", " OR ", " ", " AND NOT ", ",")).join(parts)
    match random.randrange(6):
        case 0:
            return "(" * (depth := random.choice((1, 5, 60, 900))) + joined + ")" * depth
        case 1:
            return "NOT " * random.choice((1, 2, 100, 500)) + joined
        case 2:
            return f'subject_name = "{"*" * random.choice((1, 10, 60))}a{"*a" * random.choice((0, 10, 60))}"'
        case 3:
            at = random.randrange(len(joined) + 1)
            return joined[:at] + random.choice(_WORDS)[:50] + joined[at:]
        case _:
            return joined


def _columns(random: Random, old: bytes) -> bytes:
    """Samples, four bytes each, that are not what they were."""
    at = 4 * random.randrange(len(old) // 4 + 1)
    return random.choice(
        (
            b"",
            old[:-1],
            old[:at],
            old + old[: 4 * random.randrange(1, 20)],
            random.choice(_SAMPLES) * (len(old) // 4),
            random.randbytes(len(old)),
            old[:at] + random.choice(_SAMPLES) + old[at + 4 :],
        )
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}… ({len(value)} long)"


# --- bytes ---


def _in_bytes(random: Random, data: bytes, donors: Sequence[Message]) -> tuple[bytes, str]:
    what = random.choice(list(_WIRE))
    return _WIRE[what](random, data, donors), what


def _flipped(random: Random, data: bytes, donors: Sequence[Message]) -> bytes:
    turned = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        if turned:
            turned[random.randrange(len(turned))] ^= 1 << random.randrange(8)
    return bytes(turned)


def _repeated(random: Random, data: bytes, donors: Sequence[Message]) -> bytes:
    start = random.randrange(len(data) + 1)
    stop = min(len(data), start + random.randrange(200))
    return data[:stop] + data[start:stop] * random.choice((1, 2, 20)) + data[stop:]


def _inserted(random: Random, data: bytes, donors: Sequence[Message]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.choice((1, 2, 5, 50))) + data[at:]


def _with_unknown(random: Random, data: bytes, donors: Sequence[Message]) -> bytes:
    number, payload = random.choice((15, 1_000, 19_000, 2**29 - 1)), random.randbytes(random.randrange(60))
    return data + varint(number << 3 | 2) + varint(len(payload)) + payload


def _glued(random: Random, data: bytes, donors: Sequence[Message]) -> bytes:
    return data + (random.choice(donors).SerializeToString() if donors else data)


_WIRE: Final[dict[str, Callable[[Random, bytes, Sequence[Message]], bytes]]] = {
    "bits are turned": _flipped,
    "bytes are cut": lambda random, data, donors: data[: random.randrange(len(data) + 1)],
    "bytes come again": _repeated,
    "bytes are put in": _inserted,
    "has an unknown field": _with_unknown,
    "another message follows": _glued,
    "is garbage": lambda random, data, donors: random.randbytes(random.randrange(200)),
    "is empty": lambda random, data, donors: b"",
    "opens groups": lambda random, data, donors: data + b"\x0b" * random.choice((1, 99, 10_000)),
    "has an endless number": lambda random, data, donors: data + b"\x08" + b"\xff" * 20,
    "claims a length": lambda random, data, donors: data + b"\x0a" + varint(random.choice((2**31 - 1, 2**32, 2**62))),
    "nests": lambda random, data, donors: data + _nested(random.choice((5, 90, 200))),
}


def _nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = b"\x0a" + varint(len(data)) + data
    return data


def varint(value: int) -> bytes:
    """A number as messages have it."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*data, value))
