"""A small gRPC service behind Headgate. It answers every method with who it was called for, as JSON; with --next it calls on first.

    python service.py --service ledger --front urn:headgate:core \\
        --keys urn:headgate:core=http://127.0.0.1:9901/.well-known/jwks.json \\
        --keys urn:headgate:edge=http://127.0.0.1:9900/.well-known/jwks.json
    python service.py --service orders --front urn:headgate:edge \\
        --keys urn:headgate:edge=http://127.0.0.1:9900/.well-known/jwks.json \\
        --next 127.0.0.1:8081 --credential orders.token
"""

from __future__ import annotations

import argparse
import json
import pathlib
import signal
from concurrent.futures import ThreadPoolExecutor

import grpc

from headgate_grpc import HeadgateIdentity, current_caller, passed_on
from headgate_identity import Verifier


class EveryMethod(grpc.GenericRpcHandler):
    def __init__(self, following: str | None, credential: pathlib.Path | None) -> None:
        self._next = grpc.insecure_channel(following) if following else None
        self._credential = credential

    def service(self, details):
        method = details.method
        return grpc.unary_unary_rpc_method_handler(lambda request, _context: self._answer(method, request))

    def _answer(self, method: str, request: bytes) -> bytes:
        caller = current_caller()
        if self._next is None:
            hops = [hop.service for hop in caller.hops]
            return json.dumps({"id": caller.id, "caller": caller.subject, "issuer": caller.issuer, "hops": hops}).encode()
        # For the same caller, as ourselves: what came is passed on, beside our own credential.
        own = [("authorization", f"Bearer {self._credential.read_text().strip()}")] if self._credential else []
        return self._next.unary_unary(method)(request, metadata=[*passed_on(), *own], timeout=20)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--service", required=True, help="our name behind the gateway")
    parser.add_argument("--front", required=True, help="issuer of the gateway in front of us")
    parser.add_argument("--keys", action="append", required=True, metavar="ISSUER=URL")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--next", help="where the next service's gateway listens")
    parser.add_argument("--credential", type=pathlib.Path, help="file of our own token for it")
    given = parser.parse_args()
    verifier = Verifier(given.service, given.front, dict(each.split("=", 1) for each in given.keys))
    server = grpc.server(ThreadPoolExecutor(8), interceptors=[HeadgateIdentity(verifier)])
    server.add_generic_rpc_handlers([EveryMethod(given.next, given.credential)])
    port = server.add_insecure_port(f"127.0.0.1:{given.port}")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
    print(f"listening on {port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
