"""What the contracts say a field may hold. The limits are stated in protos/, once; `field_limits` is generated."""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass
from typing import Final

from playscore.errors import Reason

MAX_IDENTIFIER_LENGTH: Final = 128
MAX_NAME_LENGTH: Final = 256
_LEAGUE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class TextKind(enum.Enum):
    """What a string may hold."""

    IDENTIFIER = "1 to 128 printable characters"
    LEAGUE = "1 to 64 characters out of letters, digits, '-', '_' and '.'"
    NAME = "at most 256 printable characters"

    def allows(self, text: str) -> bool:
        """Whether a string is of this kind."""
        match self:
            case TextKind.IDENTIFIER:
                return 0 < len(text) <= MAX_IDENTIFIER_LENGTH and text.isprintable()
            case TextKind.LEAGUE:
                return _LEAGUE.fullmatch(text) is not None
            case TextKind.NAME:
                return len(text) <= MAX_NAME_LENGTH and text.isprintable()


@dataclass(frozen=True, slots=True)
class FieldLimits:
    """The limits of one field: `playscore.common.v1.FieldLimits`."""

    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    text: TextKind | None = None
    max_characters: int = 0
    max_items: int = 0
    max_numbers: int = 0
    max_parts: int = 0
    reason: Reason = Reason.FIELD_INVALID

    def allows_number(self, value: float) -> bool:
        """Whether a number is within the limits; NaN never is where there are any."""
        if self.minimum is not None and not (value > self.minimum if self.exclusive_minimum else value >= self.minimum):
            return False
        return self.maximum is None or value <= self.maximum

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value; infinite where there is no limit."""
        return (
            -math.inf if self.minimum is None else self.minimum,
            math.inf if self.maximum is None else self.maximum,
        )

    @property
    def range(self) -> str:
        """The numbers allowed, in words."""
        if self.minimum is not None and self.maximum is not None:
            above = f"above {self.minimum:g} and at most" if self.exclusive_minimum else f"{self.minimum:g} to"
            return f"{above} {self.maximum:g}"
        if self.minimum is not None:
            return f"above {self.minimum:g}" if self.exclusive_minimum else f"at least {self.minimum:g}"
        return f"at most {self.maximum:g}"


def is_identifier(text: str) -> bool:
    """Whether a string can name something: 1 to 128 printable characters."""
    return TextKind.IDENTIFIER.allows(text)
