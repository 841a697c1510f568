"""The file that says who may call and do what: `--callers`. docs/security.md describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from playscore.errors import PlayscoreError, Reason
from playscore.limits import TextKind
from servicekit.addresses import Address
from servicekit.bearer_tokens import Issuer
from servicekit.callers import Role
from servicekit.certificates import CertificateNames, parse_certificates
from servicekit.following import Read
from servicekit.signing_keys import ALGORITHMS, KeySet, KeysUrl, parse_keys

_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*://[\x21-\x7e]+")
_DNS: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


def _of_kind(kind: TextKind) -> AfterValidator:
    def check(text: str) -> str:
        if not kind.allows(text):
            raise ValueError(f"must have {kind.value}")
        return text

    return AfterValidator(check)


def _certified_name(name: str) -> str:
    if _URI.fullmatch(name):
        return name
    if _DNS.fullmatch(name.lower()):
        return name.lower()
    raise ValueError("must be a URI such as spiffe://example.org/worker, or a DNS name without a wildcard")


def _place_of_keys(place: str) -> str:
    if "://" not in place:
        return place
    url = urlsplit(place)
    if url.scheme == "https" and url.hostname:
        return place
    if url.scheme == "http" and url.hostname and Address(url.hostname, 0).is_loopback:
        return place
    raise ValueError("must be a file, or a URL that begins with https://")


def _algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        raise ValueError(f"must be one of {', '.join(ALGORITHMS)}")
    return name


_Text = Annotated[str, Field(min_length=1, max_length=2048)]
_Name = Annotated[str, _of_kind(TextKind.IDENTIFIER)]
_League = Annotated[str, _of_kind(TextKind.LEAGUE)]
_CertifiedName = Annotated[str, Field(max_length=2048), AfterValidator(_certified_name)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Token(_Strict):
    issuer: _Text
    subject: _Text


class _Issuer(_Strict):
    audience: _Text
    keys: Annotated[_Text, AfterValidator(_place_of_keys)]
    authority: _Text | None = None
    algorithms: Annotated[list[Annotated[str, AfterValidator(_algorithm)]], Field(min_length=1)] = ["ES256", "RS256"]

    @model_validator(mode="after")
    def _authority_is_of_a_url(self) -> _Issuer:
        if self.authority is not None and "://" not in self.keys:
            raise ValueError("authority is for keys at a URL")
        return self


class _Caller(_Strict):
    role: Literal["reader", "writer", "operator"]
    leagues: Annotated[list[_League], Field(min_length=1)] | None = None
    certificates: list[_CertifiedName] = []
    tokens: list[_Token] = []

    @model_validator(mode="after")
    def _says_something(self) -> _Caller:
        if self.leagues is not None and self.role == "reader":
            raise ValueError("leagues limit what a caller writes; a reader writes nothing")
        if not self.certificates and not self.tokens:
            raise ValueError("must have certificates or tokens to be known by")
        return self


class _File(_Strict):
    callers: Annotated[dict[_Name, _Caller], Field(min_length=1)]
    issuers: dict[_Text, _Issuer] = {}

    @model_validator(mode="after")
    def _issuers_are_known(self) -> _File:
        for name, caller in self.callers.items():
            for token in caller.tokens:
                if token.issuer not in self.issuers:
                    raise ValueError(f"callers.{name}.tokens: {token.issuer} is none of the issuers")
        return self


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller of the file may do."""

    name: str
    role: Role
    leagues: frozenset[str] | None
    """The leagues that they may write to; None for all."""


@dataclass(frozen=True, slots=True)
class Callers:
    """The callers of a file, by what they are known by."""

    by_uri: Mapping[str, Grant]
    by_dns: Mapping[str, Grant]
    by_token: Mapping[tuple[str, str], Grant]
    """By issuer and subject."""
    issuers: Mapping[str, Issuer]

    def certified(self, names: CertificateNames) -> Grant | None:
        """Who a certificate belongs to; None where it names nobody of the file.

        Raises PlayscoreError, UNAUTHENTICATED, where it names two of them.
        """
        found = {grant.name: grant for grant in self._certified(names)}
        if len(found) > 1:
            raise PlayscoreError(
                Reason.UNAUTHENTICATED,
                "the client certificate names more than one caller; each needs one of their own",
            )
        return next(iter(found.values()), None)

    def _certified(self, names: CertificateNames) -> Iterable[Grant]:
        for known, certified in ((self.by_uri, names.uris), (self.by_dns, names.dns)):
            for name in certified:
                if name in known:
                    yield known[name]


def read_callers(path: Path, read: Read) -> Callers:
    """The callers of a file, and the keys of the files that it names, which are relative to it.

    Raises OSError, and ValueError that says what is wrong, where, and what would be right.
    """
    file = _parsed(read(path))
    issuers = {}
    for name, issuer in file.issuers.items():
        try:
            keys = _keys(issuer, path.parent, read)
        except (OSError, ValueError) as error:
            raise ValueError(f"issuers.{name}: {error}") from error
        issuers[name] = Issuer(name, issuer.audience, frozenset(issuer.algorithms), keys)
    by_uri: dict[str, Grant] = {}
    by_dns: dict[str, Grant] = {}
    by_token: dict[tuple[str, str], Grant] = {}
    for name, caller in file.callers.items():
        leagues = None if caller.leagues is None else frozenset(caller.leagues)
        grant = Grant(name, Role[caller.role.upper()], leagues)
        for certified in caller.certificates:
            _add(by_uri if "://" in certified else by_dns, certified, grant)
        for token in caller.tokens:
            _add(by_token, (token.issuer, token.subject), grant)
    return Callers(by_uri, by_dns, by_token, issuers)


def _add(known: dict[Any, Grant], by: Any, grant: Grant) -> None:
    if by in known:
        raise ValueError(f"callers.{grant.name}: {by} is {known[by].name} already")
    known[by] = grant


def _keys(issuer: _Issuer, folder: Path, read: Read) -> KeySet | KeysUrl:
    if "://" not in issuer.keys:
        return parse_keys(read(folder / issuer.keys))
    if issuer.authority is None:
        return KeysUrl(issuer.keys)
    authority = read(folder / issuer.authority)
    parse_certificates(authority, issuer.authority)
    return KeysUrl(issuer.keys, authority.decode())


def _parsed(text: bytes) -> _File:
    try:
        content = yaml.load(text, _UniqueKeys)  # a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split())}") from None
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        raise ValueError("; ".join(_explained(each) for each in error.errors(include_url=False))) from None


def _explained(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("model_type", "dict_type"):
        message = "must be a mapping"
    return f"{where}: {message}" if where else message


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping with a key twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                mark = node.value[place][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands there twice", mark)
        return super().construct_mapping(node, deep)
