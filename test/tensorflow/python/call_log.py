"""What the server was asked and what it ran: one JSON line a call, written before the call is answered, for the test to read."""

import json
import threading


class CallLog:
    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, record):
        with self._lock:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()


class Call:
    """One call. `ran` is handed to inference; `specs` are what the real protobuf parser read."""

    def __init__(self, via, operation, metadata):
        self.record = {
            "via": via,
            "operation": operation,
            "asked": [],
            "ran": [],
            "metadata": metadata,
            "code": None,
        }

    def asked(self, specs):
        self.record["asked"] = [
            {
                "name": spec.name,
                "version": spec.version.value if spec.HasField("version") else None,
                "label": spec.version_label or None,
                "signature": spec.signature_name or None,
            }
            for spec in specs
        ]

    def ran(self, servable, signature):
        self.record["ran"].append({"name": servable.name, "version": servable.version, "signature": signature})
