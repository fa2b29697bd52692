"""A client of grpcio: reads a call as a JSON line, writes how it ended as a JSON line.

    {"target": "127.0.0.1:8080", "kind": "Chat", "fields": [["x-api-key", "…"]], "send": [5, 5]}
    → {"code": "OK", "details": "", "initial": [["x-echo-a", "1"]], "trailing": […], "sizes": [5, 5], "first": "hello", "told": null}

`kind`: Unary, Upload, Download or Chat.                     `send`: bytes of each message that is sent (default: one of 5).
`timeoutMs`: the deadline (default 30,000; null: none).      `cancelMs`: the call is cancelled after so long.
`compression`: `gzip` or `deflate`, of what is sent.         `holdMs`: a stream from the client ends only after so long.
`options`: of the channel. Channels are kept: those with the same target and options are one connection.
Values of names that end in `-bin` are base64 in both directions.
`told`: what grpcio-status finds in the status of a call that failed, `{"reason", "domain", "metadata", "retryAfterSeconds"}`.
"""

import base64
import json
import sys
import threading
import time

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

COMPRESSION = {None: None, "gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}
SERVICE = "/acme.streams.v1.Streams/"
CHANNELS = {}


def channel_to(target, options):
    key = (target, json.dumps(options))
    if key not in CHANNELS:
        sizes = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        plain = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
        CHANNELS[key] = grpc.insecure_channel(target, options=sizes + plain + [tuple(each) for each in options])
    return CHANNELS[key]


def metadata_of(fields):
    return [(name, base64.b64decode(value) if name.endswith("-bin") else value) for name, value in fields]


def fields_of(metadata):
    pairs = [(name, value) for name, value in metadata or ()]
    return [[name, base64.b64encode(value).decode() if isinstance(value, bytes) else value] for name, value in pairs]


def messages_of(call):
    for size in call.get("send", [5]):
        yield b"hello" if size == 5 else bytes([7]) * size
    time.sleep(call.get("holdMs", 0) / 1000)


def begin(call):
    kind = call["kind"]
    channel = channel_to(call["target"], call.get("options", []))
    timeout = call.get("timeoutMs", 30_000)
    words = {
        "metadata": metadata_of(call.get("fields", [])),
        "timeout": None if timeout is None else timeout / 1000,
        "compression": COMPRESSION[call.get("compression")],
    }
    if kind == "Unary":
        return channel.unary_unary(SERVICE + kind).future(next(messages_of(call)), **words)
    if kind == "Upload":
        return channel.stream_unary(SERVICE + kind).future(messages_of(call), **words)
    if kind == "Download":
        return channel.unary_stream(SERVICE + kind)(next(messages_of(call)), **words)
    return channel.stream_stream(SERVICE + kind)(messages_of(call), **words)


def told_by(call):
    try:
        status = rpc_status.from_call(call)
    except DecodeError:
        return None
    except ValueError as error:
        # The library took something else for the call's end than the status that carries the details.
        return {"mismatch": str(error)}
    if status is None:
        return None
    told = {}
    for detail in status.details:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            told.update(reason=info.reason, domain=info.domain, metadata=dict(info.metadata))
        elif detail.Unpack(retry):
            told["retryAfterSeconds"] = retry.retry_delay.seconds
    return told


def run(call):
    begun = begin(call)
    if "cancelMs" in call:
        threading.Timer(call["cancelMs"] / 1000, begun.cancel).start()
    got = []
    try:
        if call["kind"] in ("Unary", "Upload"):
            got.append(begun.result())
        else:
            for message in begun:
                got.append(message)
    except (grpc.RpcError, grpc.FutureCancelledError):
        pass
    return {
        "code": begun.code().name,
        "details": begun.details() or "",
        "initial": fields_of(begun.initial_metadata()),
        "trailing": fields_of(begun.trailing_metadata()),
        "sizes": [len(message) for message in got],
        "first": got[0][:100].decode("latin-1") if got else "",
        "told": told_by(begun),
    }


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
