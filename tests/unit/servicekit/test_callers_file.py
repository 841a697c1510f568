"""The file that says who may call."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playscore.errors import PlayscoreError, Reason
from servicekit.callers import Role
from servicekit.callers_file import Grant, parse_callers
from servicekit.certificates import CertificateNames

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
    assert parse_callers(FILE).certified(names) == grant


def test_a_certificate_that_names_two_callers_is_of_neither() -> None:
    both = CertificateNames(uris=("spiffe://example.org/worker",), dns=("analyst.example.org",))
    with pytest.raises(PlayscoreError, match="more than one caller") as refused:
        parse_callers(FILE).certified(both)
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
        (caller("role: operator"), "callers.one: must have a certificate to be known by"),
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
        parse_callers(text)


@given(st.binary(max_size=200) | st.text("{}[]:,-&*!|>'\"% \n\tabcrole", max_size=200).map(str.encode))
def test_any_other_bytes_are_a_file_or_are_refused(text: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_callers(text)
