"""TensorFlow Serving's REST over `inference`, as far as the tests need it: no base64 values.

Sources: https://www.tensorflow.org/tfx/serving/api_rest and tensorflow_serving/model_servers/http_rest_api_{util,handler}.cc,
http_server.cc, tensorflow_serving/util/json_tensor.cc. The regular expressions are TensorFlow Serving's own.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import tensorflow as tf
from google.protobuf.json_format import MessageToJson
from grpc import StatusCode
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

import inference
from call_log import Call
from servables import DEFAULT_SIGNATURE, ServingFault

PREDICTION = re.compile(
    r"(?i)/v1/models/([^/:]+)(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?:(classify|regress|predict)"
)
MODEL_STATUS = re.compile(
    r"(?i)/v1/models(?:/([^/:]+))?(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?(?:\/(metadata))?"
)
HTTP_STATUS = {
    StatusCode.OK: 200,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.NOT_FOUND: 404,
    StatusCode.UNIMPLEMENTED: 501,
}


def _invalid(message):
    return ServingFault(StatusCode.INVALID_ARGUMENT, message)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one write.
    wbufsize = -1

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def _answer(self):
        path = self.path.partition("?")[0]
        body = self._body()
        call = Call("rest", f"{self.command} {path}", {name.lower(): value for name, value in self.headers.items()})
        code, text = StatusCode.OK, ""
        try:
            text = self.server.route(self.command, path, body, call)
        except ServingFault as fault:
            code, text = fault.code, json.dumps({"error": fault.message})
        call.record["code"] = code.name
        call.record["bytes"] = len(body)
        self.server.log.write(call.record)
        data = text.encode()
        self.send_response(HTTP_STATUS[code])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def log_message(self, *_):
        """The call log has it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, servables, log):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.servables = servables
        self.log = log

    def route(self, method, path, body, call):
        run = PREDICTION.fullmatch(path) if method == "POST" else None
        look = MODEL_STATUS.fullmatch(path) if method == "GET" else None
        # The path is matched without regard to case, the method's name is then compared with regard to it.
        if run and run[4] == "predict":
            return self._predict(run, _object(body), call)
        if run and run[4] == "classify":
            return self._classify(run, _object(body), call)
        if run and run[4] == "regress":
            return self._regress(run, _object(body), call)
        if look and not look[1]:
            raise _invalid("Missing model name in request.")
        if look and look[4] == "metadata":
            return self._metadata(look, call)
        if look:
            return self._status(look, call)
        raise _invalid(f"Malformed request: {method} {path}")

    def _predict(self, match, given, call):
        request = predict_pb2.PredictRequest()
        _fill_spec(request.model_spec, match, given)
        call.asked([request.model_spec])
        columnar = "inputs" in given
        if columnar == ("instances" in given):
            raise _invalid("Missing 'inputs' or 'instances' key" if not columnar else "expecting only one of the keys")
        servable = self.servables.find(request.model_spec)
        signature = request.model_spec.signature_name or DEFAULT_SIGNATURE
        if signature not in servable.signatures:
            raise _invalid(f'Serving signature name: "{signature}" not found in signature def')
        infos = servable.signatures[signature].inputs
        named = _columns(given["inputs"], infos) if columnar else _rows(given["instances"], infos)
        for name, value in named.items():
            if name not in infos:
                raise _invalid(f"JSON object: does not have named input: {name}")
            request.inputs[name].CopyFrom(_tensor(value, infos[name]))
        response = inference.predict(self.servables, request, call.ran)
        outputs = {name: tf.make_ndarray(tensor).tolist() for name, tensor in response.outputs.items()}
        if len(outputs) == 1:
            (value,) = outputs.values()
        elif columnar:
            value = outputs
        else:
            value = [dict(zip(outputs, row)) for row in zip(*outputs.values())]
        return json.dumps({"outputs" if columnar else "predictions": value})

    def _classify(self, match, given, call):
        request = classification_pb2.ClassificationRequest()
        _fill_examples(request, match, given, call)
        result = inference.classify(self.servables, request, call.ran).result
        rows = [[[each.label, each.score] for each in row.classes] for row in result.classifications]
        return json.dumps({"results": rows})

    def _regress(self, match, given, call):
        request = regression_pb2.RegressionRequest()
        _fill_examples(request, match, given, call)
        result = inference.regress(self.servables, request, call.ran).result
        return json.dumps({"results": [each.value for each in result.regressions]})

    def _metadata(self, match, call):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        _fill_spec(request.model_spec, match, {})
        call.asked([request.model_spec])
        response = inference.metadata(self.servables, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        parts = [_print(part, preserving_proto_field_name=True) for part in (response.model_spec, signatures)]
        return '{\n"model_spec":%s,\n"metadata": {"signature_def": %s}\n}\n' % tuple(parts)

    def _status(self, match, call):
        request = get_model_status_pb2.GetModelStatusRequest()
        _fill_spec(request.model_spec, match, {})
        call.asked([request.model_spec])
        return _print(inference.status(self.servables, request))


def _print(message, **options):
    return MessageToJson(message, always_print_fields_with_no_presence=True, **options)


def _object(body):
    """Of a key that is there twice the first one counts, and nothing after the object is looked at.

    RapidJSON's FindMember takes the first that it meets; kParseStopWhenDoneFlag.
    """

    def first_wins(pairs):
        found = {}
        for name, value in pairs:
            found.setdefault(name, value)
        return found

    if not body:
        raise _invalid("JSON Parse error: The document is empty")
    try:
        value, _ = json.JSONDecoder(object_pairs_hook=first_wins).raw_decode(body.decode().lstrip())
    except ValueError as fault:
        raise _invalid(f"JSON Parse error: {fault}") from fault
    if not isinstance(value, dict):
        raise _invalid("JSON Value: Is not object")
    return value


def _fill_spec(spec, match, given):
    spec.name = unquote(match[1])
    if match[2]:
        version = int(match[2])
        if version >= 2**63:
            raise _invalid(f"Failed to convert version: {match[2]} to numeric.")
        spec.version.value = version
    if match[3]:
        spec.version_label = unquote(match[3])
    signature = given.get("signature_name", "")
    if not isinstance(signature, str):
        raise _invalid("'signature_name' key must be a string value.")
    spec.signature_name = signature


def _fill_examples(request, match, given, call):
    _fill_spec(request.model_spec, match, given)
    call.asked([request.model_spec])
    rows = given.get("examples")
    if not isinstance(rows, list) or not rows:
        raise _invalid("Expecting 'examples' value to be an list/array")
    has_context = "context" in given
    kind = request.input.example_list_with_context if has_context else request.input.example_list
    if has_context:
        _fill_example(kind.context, given["context"])
    for row in rows:
        _fill_example(kind.examples.add(), row)


def _fill_example(example, given):
    if not isinstance(given, dict):
        raise _invalid("Example must be JSON object")
    for name, content in given.items():
        feature = example.features.feature[name]
        for value in content if isinstance(content, list) else [content]:
            if isinstance(value, str):
                feature.bytes_list.value.append(value.encode())
            elif isinstance(value, float):
                feature.float_list.value.append(value)
            else:
                feature.int64_list.value.append(value)


def _rows(instances, infos):
    """The row format: a list of values of the one input, or of objects with a value for each."""
    if not isinstance(instances, list) or not instances:
        raise _invalid("Expecting 'instances' to be an list/array")
    if isinstance(instances[0], dict):
        if any(not isinstance(each, dict) or each.keys() != infos.keys() for each in instances):
            raise _invalid("Failed to process element: JSON objects must have a value for each named input")
        return {name: [instance[name] for instance in instances] for name in infos}
    if len(infos) != 1:
        raise _invalid("instances is a plain list, but expecting list of objects")
    (name,) = infos
    return {name: instances}


def _columns(inputs, infos):
    if isinstance(inputs, dict):
        return inputs
    if len(infos) != 1:
        raise _invalid("inputs is a plain value/list, but expecting an object")
    (name,) = infos
    return {name: inputs}


def _tensor(value, info):
    try:
        return tf.make_tensor_proto(value, dtype=info.dtype)
    except (TypeError, ValueError) as fault:
        raise _invalid(f"Failed to process element: {fault}") from fault


def start_rest(servables, log):
    """Returns the server and the port that it listens on, on loopback."""
    server = _Server(servables, log)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, server.server_address[1]
