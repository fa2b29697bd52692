"""The same for a gRPC server: an interceptor that lets in proven callers alone, and two words for the service's own code.

    server = grpc.server(executor, interceptors=[HeadgateIdentity(verifier)])
    ...
    caller = current_caller()                              # in a method: who it is made for
    stub.Post(entry, metadata=[*passed_on(), *own_credential])   # calls on for them, with our own credential beside
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable

import grpc

from headgate_identity import ASSERTION, CHAIN, Caller, NotProven, Verifier

_caller: contextvars.ContextVar[Caller] = contextvars.ContextVar("headgate_caller")
_fields: contextvars.ContextVar[tuple[tuple[str, str], ...]] = contextvars.ContextVar("headgate_fields", default=())


def current_caller() -> Caller:
    return _caller.get()


def passed_on() -> tuple[tuple[str, str], ...]:
    """Metadata for the next service's gateway: both fields as they came."""
    return _fields.get()


class HeadgateIdentity(grpc.ServerInterceptor):
    def __init__(self, verifier: Verifier, open_methods: frozenset[str] = frozenset({"/grpc.health.v1.Health/Check"})):
        self._verifier = verifier
        self._open_methods = open_methods

    def intercept_service(self, continuation, details):
        handler = continuation(details)
        if handler is None or details.method in self._open_methods:
            return handler
        fields = tuple((name, value) for name, value in details.invocation_metadata if name in (ASSERTION, CHAIN))
        try:
            if len({name for name, _ in fields}) != len(fields):
                raise NotProven("a field is there twice")
            known = dict(fields)
            caller = self._verifier.verify(known.get(ASSERTION), known.get(CHAIN))
        except NotProven as fault:
            logging.warning("%s refused: %s", details.method, fault)
            return _with_behaviour(handler, lambda _behaviour: _refuse)
        return _with_behaviour(handler, lambda behaviour: _on_behalf(behaviour, caller, fields))


def _refuse(_request, context):
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "It is not proven who calls.")


def _on_behalf(behaviour: Callable, caller: Caller, fields: tuple[tuple[str, str], ...]) -> Callable:
    def call(request, context):
        _caller.set(caller)
        _fields.set(fields)
        return behaviour(request, context)

    def stream(request, context):
        _caller.set(caller)
        _fields.set(fields)
        yield from behaviour(request, context)

    call.stream = stream
    return call


def _with_behaviour(handler, change: Callable) -> grpc.RpcMethodHandler:
    """The same handler with another behaviour, whichever of the four kinds it is of."""
    codec = {"request_deserializer": handler.request_deserializer, "response_serializer": handler.response_serializer}
    if handler.response_streaming:
        behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
        make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        changed = change(behaviour)
        return make(getattr(changed, "stream", changed), **codec)
    behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
    make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
    return make(change(behaviour), **codec)
