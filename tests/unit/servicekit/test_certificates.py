"""The names in a certificate."""

from __future__ import annotations

import base64
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from servicekit.certificates import CertificateNames, certificate_names
from tests.authority import Authority, common_name, dns, uri


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


def names(authority: Authority, *alternative: x509.GeneralName, common: str = "") -> CertificateNames:
    certificate: Path = authority.sign(*alternative, subject=common_name(common) if common else ())[0]
    return certificate_names(certificate.read_bytes())


def test_each_name_is_of_its_kind(authority: Authority) -> None:
    address = x509.IPAddress(ipaddress.ip_address("192.0.2.7"))
    email = x509.RFC822Name("worker@example.org")
    found = names(authority, email, address, uri("spiffe://a/b"), dns("Worker.example.org"), uri("spiffe://c/d"))
    assert found == CertificateNames(("spiffe://a/b", "spiffe://c/d"), ("worker.example.org",), "worker@example.org")
    assert names(authority, address).first == "192.0.2.7"


def test_a_common_name_is_the_first_where_there_is_no_other(authority: Authority) -> None:
    assert names(authority, common="worker") == CertificateNames(first="worker")
    assert names(authority, dns("a.b"), common="worker").first == "a.b"
    assert names(authority) == CertificateNames()


def test_a_name_does_not_end_where_a_c_string_does(authority: Authority) -> None:
    assert names(authority, dns("worker\0.example.org")).dns == ("worker\0.example.org",)


@given(st.binary(max_size=300))
def test_what_is_no_certificate_names_nobody(content: bytes) -> None:
    armored = b"-----BEGIN CERTIFICATE-----\n" + content + b"\n-----END CERTIFICATE-----\n"
    assert certificate_names(content) == certificate_names(armored) == CertificateNames()


@given(st.data())
def test_a_damaged_certificate_names_nobody_or_somebody(authority: Authority, data: st.DataObject) -> None:
    pem = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    der = bytearray(pem.public_bytes(Encoding.DER))
    for _ in range(data.draw(st.integers(1, 5))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    damaged = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(bytes(der)) + b"-----END CERTIFICATE-----\n"
    assert isinstance(certificate_names(damaged), CertificateNames)
