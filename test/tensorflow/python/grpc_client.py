"""A gRPC client on TensorFlow Serving's official stubs: reads a call as a JSON line, writes its outcome as a JSON line.

    {"target": "127.0.0.1:8500", "token": "…", "operation": "Predict", "model": "finance-prod"}
    → {"code": "OK", "details": "", "response": {…}, "initial": {…}, "trailing": {…}}

`operation`: Predict, Classify, Regress, MultiInference, GetModelMetadata, GetModelStatus, HandleReloadConfigRequest, or Raw.
`model`, `version` or `label`, `signature`: the model spec.        `size`: bytes of the tensor that Predict sends (default 8).
`value`: what the tensor or the example is full of (default 0).    `timeoutMs`: the deadline (default 30,000).
`receiveMax`: answers up to this many bytes are taken; left out, gRPC's own bound (4 MB) holds.
`compression`: `gzip` or `deflate`.                                `metadata`: further metadata, by name.
`tasks`: of MultiInference, a list of {model, version, label, signature, method}.
`labels`, `models`: of HandleReloadConfigRequest, by model label → version, and the folder of the models.
`method`, `message`: of Raw, the full method and the message's bytes in base64, sent as they are.
"""

import base64
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from google.protobuf.json_format import MessageToDict  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

COMPRESSION = {None: None, "gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}


def spec_of(call):
    spec = model_pb2.ModelSpec(name=call.get("model", ""), signature_name=call.get("signature") or "")
    if call.get("version") is not None:
        spec.version.value = call["version"]
    if call.get("label") is not None:
        spec.version_label = call["label"]
    return spec


def predict(call):
    count = call.get("size", 8) // 4
    values = np.full((1, count), call.get("value", 0), dtype=np.float32)
    request = predict_pb2.PredictRequest(model_spec=spec_of(call))
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(values))
    return request


def examples(call):
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.extend([call.get("value", 0)] * 2)
    given = input_pb2.Input()
    given.example_list.examples.append(example)
    return given


def multi_inference(call):
    tasks = [
        inference_pb2.InferenceTask(model_spec=spec_of(task), method_name=f"tensorflow/serving/{task['method']}")
        for task in call["tasks"]
    ]
    return inference_pb2.MultiInferenceRequest(tasks=tasks, input=examples(call))


def reload_config(call):
    request = model_management_pb2.ReloadConfigRequest()
    for name, labels in call["labels"].items():
        config = request.config.model_config_list.config.add(name=name, base_path=os.path.join(call["models"], name))
        config.model_platform = "tensorflow"
        config.model_version_policy.all.SetInParent()
        config.version_labels.update(labels)
    return request


REQUESTS = {
    "Predict": predict,
    "Classify": lambda call: classification_pb2.ClassificationRequest(model_spec=spec_of(call), input=examples(call)),
    "Regress": lambda call: regression_pb2.RegressionRequest(model_spec=spec_of(call), input=examples(call)),
    "MultiInference": multi_inference,
    "GetModelMetadata": lambda call: get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=spec_of(call), metadata_field=["signature_def"]
    ),
    "GetModelStatus": lambda call: get_model_status_pb2.GetModelStatusRequest(model_spec=spec_of(call)),
    "HandleReloadConfigRequest": reload_config,
}


def summary(response):
    """Tensors by shape and first value: they may be megabytes."""
    if isinstance(response, bytes):
        return {"bytes": len(response)}
    if isinstance(response, predict_pb2.PredictResponse):
        arrays = {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}
        outputs = {
            name: {"shape": list(array.shape), "first": float(array.flat[0]), "last": float(array.flat[-1])}
            for name, array in arrays.items()
        }
        return {"model_spec": MessageToDict(response.model_spec, preserving_proto_field_name=True), "outputs": outputs}
    return MessageToDict(response, preserving_proto_field_name=True)


class Client:
    def __init__(self):
        self._channels = {}

    def channel(self, call):
        key = (call["target"], call.get("receiveMax"))
        if key not in self._channels:
            # The gateway is on loopback: no proxy of this machine lies between.
            options = [("grpc.enable_http_proxy", 0)]
            if key[1] is not None:
                options.append(("grpc.max_receive_message_length", key[1]))
            self._channels[key] = grpc.insecure_channel(key[0], options=options)
        return self._channels[key]

    def method(self, call):
        channel, operation = self.channel(call), call["operation"]
        if operation == "Raw":
            return channel.unary_unary(call["method"]), base64.b64decode(call["message"])
        if operation in ("GetModelStatus", "HandleReloadConfigRequest"):
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
        else:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return getattr(stub, operation), REQUESTS[operation](call)

    def answer(self, call):
        method, request = self.method(call)
        metadata = list((call.get("metadata") or {}).items())
        if call.get("token") is not None:
            metadata.append(("authorization", f"Bearer {call['token']}"))
        timeout = call.get("timeoutMs", 30_000) / 1000
        try:
            response, ended = method.with_call(
                request, timeout=timeout, metadata=metadata, compression=COMPRESSION[call.get("compression")]
            )
            result = summary(response)
        except grpc.RpcError as fault:
            ended, result = fault, None
        return {
            "code": ended.code().name,
            "details": ended.details(),
            "response": result,
            "initial": texts(ended.initial_metadata()),
            "trailing": texts(ended.trailing_metadata()),
        }


def texts(metadata):
    return {name: value if isinstance(value, str) else value.hex() for name, value in metadata or ()}


def main():
    client = Client()
    for line in sys.stdin:
        print(json.dumps(client.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
