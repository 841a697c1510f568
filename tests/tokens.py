"""Issuers of tokens for tests."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class TokenKey:
    """A key that an issuer signs with."""

    def __init__(self, private: PrivateKey | None = None, algorithm: str = "ES256", key_id: str | None = None) -> None:
        self.private = private or ec.generate_private_key(ec.SECP256R1())
        self.algorithm = algorithm
        self.id = key_id or uuid4().hex

    @property
    def pem(self) -> bytes:
        """Its public half."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half."""
        public = get_default_algorithms()[self.algorithm].to_jwk(self.private.public_key())
        return {**json.loads(public), "kid": self.id, "use": "sig"}


def jwks(*keys: TokenKey) -> bytes:
    """A set of public keys."""
    return json.dumps({"keys": [key.jwk for key in keys]}).encode()


class TokenIssuer:
    """Signs tokens for an audience, valid for an hour."""

    def __init__(self, name: str = "https://id.example.org", audience: str = "playscore") -> None:
        self.name = name
        self.audience = audience
        self.key = TokenKey()

    def claims(self, subject: str, **changed: Any) -> dict[str, Any]:
        """What a token of the issuer says; None takes a claim out."""
        now = int(time.time())
        stated = {"iss": self.name, "aud": self.audience, "sub": subject, "iat": now, "exp": now + 3600, **changed}
        return {claim: value for claim, value in stated.items() if value is not None}

    def token(self, subject: str, **changed: Any) -> str:
        """A token as it should be, but for the claims that are changed."""
        return jwt.encode(
            self.claims(subject, **changed), self.key.private, self.key.algorithm, headers={"kid": self.key.id}
        )
