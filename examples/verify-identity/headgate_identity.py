"""Who a call is made for, behind Headgate: verifies the assertion that came with it, and each hop of its chain.

    verifier = Verifier(
        service="ledger",                                  # our own name behind the gateway
        front="urn:headgate:core",                         # the gateway in front of us
        key_sets={
            "urn:headgate:core": "http://127.0.0.1:9900/.well-known/jwks.json",
            "urn:headgate:edge": "https://edge.example/.well-known/jwks.json",
        },
    )
    caller = verifier.verify(assertion, chain)             # values of the two fields; raises NotProven

Needs PyJWT and cryptography, and nothing of Headgate's.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

ASSERTION = "x-headgate-assertion"
CHAIN = "x-headgate-chain"
HOPS_MAX = 5
CHARACTERS_MAX = 16_384
REQUIRED = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]


class NotProven(Exception):
    """It can't be told who calls. The message is for the log, not for the caller."""


@dataclass(frozen=True)
class Hop:
    """A service that has called on."""

    service: str
    issuer: str
    subject: str
    gateway: str
    """Issuer of the gateway that knew it by its own credential."""


@dataclass(frozen=True)
class Caller:
    id: str
    """The front gateway's id of the first caller: the same however they come."""
    issuer: str
    subject: str
    groups: tuple[str, ...]
    hops: tuple[Hop, ...]
    """Services between the first caller and us, the first first. Empty: they called us themselves."""


class Verifier:
    def __init__(self, service: str, front: str, key_sets: Mapping[str, str]) -> None:
        self._service = service
        self._front = front
        # Keys are fetched when they are needed, and kept for five minutes.
        self._keys = {issuer: jwt.PyJWKClient(url, cache_keys=False, lifespan=300) for issuer, url in key_sets.items()}

    def verify(self, assertion: str | None, chain: str | None = None) -> Caller:
        """`chain`: the second field, where there is one."""
        if not assertion:
            raise NotProven("no assertion")
        texts = [*(chain.split(",") if chain else []), assertion]
        if len(texts) > HOPS_MAX + 1 or sum(map(len, texts)) > CHARACTERS_MAX:
            raise NotProven("too long")
        # The oldest first. Each is signed by the gateway that made it, so that none can have been added or left out.
        links = [self._read(text) for text in texts]
        newest = links[-1]
        if newest["iss"] != self._front:
            raise NotProven("not from the gateway in front of us")
        if newest["aud"] != self._service:
            raise NotProven("made for another service")
        if "prev" in links[0] or "act" in links[0]:
            raise NotProven("an earlier assertion is missing")
        for text, before, link in zip(texts, links, links[1:]):
            _check_joint(text, before, link)
        return Caller(
            id=newest["sub"],
            issuer=newest["sub_id"]["iss"],
            subject=newest["sub_id"]["sub"],
            groups=tuple(newest.get("groups", [])),
            hops=_hops(newest.get("act")),
        )

    def _read(self, text: str) -> dict:
        """Claims of one assertion whose signature and times hold."""
        try:
            # Not proven yet, and used for nothing but to pick the keys.
            claimed = jwt.decode(text, options={"verify_signature": False}).get("iss")
            keys = self._keys.get(claimed)
            if keys is None:
                raise NotProven("from a gateway that we don't know")
            if jwt.get_unverified_header(text).get("typ") != "JWT":
                raise NotProven("no assertion")
            claims = jwt.decode(
                text,
                keys.get_signing_key_from_jwt(text).key,
                algorithms=["EdDSA"],
                issuer=claimed,
                leeway=30,
                # Whom it was made for is compared with where it stands in the chain.
                options={"require": REQUIRED, "verify_aud": False},
            )
        except jwt.PyJWTError as fault:
            raise NotProven(str(fault)) from fault
        sub_id = claims.get("sub_id")
        if not isinstance(sub_id, dict) or sub_id.get("format") != "iss_sub":
            raise NotProven("no assertion")
        if not all(isinstance(text, str) for text in (sub_id.get("iss"), sub_id.get("sub"), claims["aud"])):
            raise NotProven("no assertion")
        return claims


def _check_joint(text: str, before: dict, link: dict) -> None:
    """`text`: of the assertion that the next one says it was made from."""
    digest = hashlib.sha256(text.encode()).digest()
    if link.get("prev") != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
        raise NotProven("an assertion was not made from the one before it")
    act = link.get("act")
    if not isinstance(act, dict) or act.get("iss") != link["iss"] or act.get("service") != before["aud"]:
        raise NotProven("an assertion names another service than the one that called on")
    if act.get("act") != before.get("act") or link["sub_id"] != before["sub_id"]:
        raise NotProven("an assertion tells another story than the one before it")


def _hops(act: dict | None) -> tuple[Hop, ...]:
    """`act` is nested, the newest outermost (RFC 8693, section 4.1)."""
    hops: list[Hop] = []
    while act is not None:
        subject = act["sub_id"]
        hops.append(Hop(act["service"], subject["iss"], subject["sub"], act["iss"]))
        act = act.get("act")
    return tuple(reversed(hops))
