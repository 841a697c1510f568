"""The file that says who may call."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from playscore.errors import PlayscoreError, Reason
from servicekit.callers import Role
from servicekit.callers_file import Callers, Grant, read_callers
from servicekit.certificates import CertificateNames
from servicekit.signing_keys import KeysUrl

FILE = b"""
callers:
  worker:
    role: writer
    leagues: [NFL, SIM]
    certificates: [spiffe://example.org/worker, Worker.playscore.svc]
  analyst:
    role: reader
    certificates: [analyst.example.org]
"""
FOLDER = Path("/etc/playscore")
PEM = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def parsed(text: bytes, **others: bytes) -> Callers:
    """The callers of a file that lies beside others."""
    files = {FOLDER / name: content for name, content in {"callers": text, "key": PEM, **others}.items()}

    def read(path: Path) -> bytes:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    return read_callers(FOLDER / "callers", read)


WORKER = Grant("worker", Role.WRITER, frozenset({"NFL", "SIM"}))
ANALYST = Grant("analyst", Role.READER, None)


@pytest.mark.parametrize(
    ("names", "grant"),
    [
        (CertificateNames(uris=("spiffe://example.org/worker",)), WORKER),
        (CertificateNames(dns=("worker.playscore.svc",)), WORKER),
        (CertificateNames(uris=("spiffe://example.org/worker",), dns=("worker.playscore.svc",)), WORKER),
        (CertificateNames(uris=("spiffe://example.org/other",), dns=("analyst.example.org", "a.b")), ANALYST),
        (CertificateNames(), None),
        (CertificateNames(first="worker"), None),
        (CertificateNames(uris=("spiffe://example.org/worker/2",)), None),
        (CertificateNames(uris=("spiffe://example.org/Worker",)), None),
        (CertificateNames(uris=("analyst.example.org",)), None),
        (CertificateNames(dns=("spiffe://example.org/worker",)), None),
        (CertificateNames(dns=("wоrker.playscore.svc",)), None),  # not the Latin o
        (CertificateNames(dns=("analyst.example.org\0.example.net",)), None),
    ],
)
def test_a_caller_is_known_by_a_name_of_its_kind_as_it_is_written(names: CertificateNames, grant: Grant | None) -> None:
    assert parsed(FILE).certified(names) == grant


def test_a_certificate_that_names_two_callers_is_of_neither() -> None:
    both = CertificateNames(uris=("spiffe://example.org/worker",), dns=("analyst.example.org",))
    with pytest.raises(PlayscoreError, match="more than one caller") as refused:
        parsed(FILE).certified(both)
    assert refused.value.reason is Reason.UNAUTHENTICATED
    assert "worker" not in refused.value.detail and "analyst" not in refused.value.detail


def caller(text: str) -> bytes:
    return f"callers:\n  one: {{{text}}}\n".encode()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "^must be a mapping$"),
        (b"callers: nobody", "^callers: must be a mapping$"),
        (b"callers: {}", "callers: Dictionary should have at least 1 item"),
        (b"callers: [", "not YAML: .*line 1"),
        (b"\xff\xfe\xfa", "not YAML"),
        (b"!!python/object/apply:os.system [id]", "not YAML: could not determine a constructor"),
        (b"[" * 5000, "not YAML"),
        (FILE + b"  worker: {role: operator, certificates: [a.b]}\n", "worker stands there twice"),
        (caller("role: operator"), "callers.one: must have certificates or tokens to be known by"),
        (caller("role: admin, certificates: [a.b]"), "callers.one.role: Input should be 'reader', 'writer' or"),
        (caller("role: 3, certificates: [a.b]"), "callers.one.role"),
        (caller("certificates: [a.b]"), "callers.one.role: Field required"),
        (caller("role: reader, leagues: [NFL], certificates: [a.b]"), "a reader writes nothing"),
        (caller("role: writer, leagues: [], certificates: [a.b]"), "callers.one.leagues"),
        (caller("role: writer, leagues: [NO], certificates: [a.b]"), "callers.one.leagues.0: .*string"),  # YAML's no
        (caller("role: writer, leagues: [a b], certificates: [a.b]"), "callers.one.leagues.0: must have 1 to 64"),
        (caller("role: writer, certificates: ['*.example.org']"), "certificates.0: .*without a wildcard"),
        (caller("role: writer, certificates: ['']"), "certificates.0"),
        (caller("role: writer, certificates: [a.b], certificate: c.d"), "callers.one.certificate: Extra inputs"),
        (b'callers:\n  "a\\0": {role: reader, certificates: [a.b]}', "must have 1 to 128 printable"),
        (FILE + b"  other: {role: reader, certificates: [worker.PLAYSCORE.svc]}\n", "is worker already"),
    ],
)
def test_a_file_that_could_be_misread_is_refused_with_what_is_wrong(text: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parsed(text)


def issuer(text: str) -> bytes:
    tokens = "{issuer: https://id.example.org, subject: somebody}"
    return caller(f"role: reader, tokens: [{tokens}]") + f"issuers:\n  https://id.example.org: {{{text}}}\n".encode()


def test_a_caller_of_tokens_is_known_by_issuer_and_subject() -> None:
    callers = parsed(issuer("audience: playscore, keys: key"))
    assert dict(callers.by_token) == {("https://id.example.org", "somebody"): Grant("one", Role.READER, None)}
    assert callers.issuers["https://id.example.org"].algorithms == {"ES256", "RS256"}


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example.org/keys",
        "https://id.example.org:8443/keys?a=b",
        "http://127.0.0.1:80/",
        "http://localhost/",
    ],
)
def test_keys_may_be_published_at_a_url(url: str) -> None:
    (known,) = parsed(issuer(f"audience: playscore, keys: '{url}'")).issuers.values()
    assert known.keys == KeysUrl(url)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keys: key", "issuers.https://id.example.org.audience: Field required"),
        ("audience: playscore, keys: ''", "keys: "),
        ("audience: '', keys: key", "audience: "),
        ("audience: playscore, keys: nowhere", "issuers.https://id.example.org: .*nowhere"),
        ("audience: playscore, keys: callers", "issuers.https://id.example.org: neither PEM nor a JWK set"),
        ("audience: playscore, keys: http://id.example.org/keys", "must be a file, or a URL that begins with https://"),
        ("audience: playscore, keys: file:///etc/passwd", "must be a file, or a URL that begins with https://"),
        ("audience: playscore, keys: 'https://'", "must be a file, or a URL that begins with https://"),
        ("audience: playscore, keys: key, authority: key", "authority is for keys at a URL"),
        ("audience: playscore, keys: 'https://id.example.org', authority: key", "key holds no certificate"),
        ("audience: playscore, keys: key, algorithms: [HS256]", "algorithms.0: must be one of PS256"),
        ("audience: playscore, keys: key, algorithms: [none]", "algorithms.0: must be one of PS256"),
        ("audience: playscore, keys: key, algorithms: []", "algorithms: "),
    ],
)
def test_an_issuer_that_could_not_be_trusted_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parsed(issuer(text))


def test_tokens_are_of_issuers_that_the_file_knows() -> None:
    with pytest.raises(ValueError, match=r"callers\.one\.tokens: https://other is none of the issuers"):
        parsed(caller("role: reader, tokens: [{issuer: https://other, subject: somebody}]"))


@given(st.binary(max_size=200) | st.text("{}[]:,-&*!|>'\"% \n\tabcrole", max_size=200).map(str.encode))
def test_any_other_bytes_are_a_file_or_are_refused(text: bytes) -> None:
    with contextlib.suppress(ValueError):
        parsed(text)
