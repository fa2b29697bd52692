"""Predict, Classify, Regress, MultiInference, metadata and status over loaded models, with the official messages.

Order of checks, codes and sentences are those of tensorflow_serving/servables/tensorflow/{predict_util,classifier,regressor,
multi_inference,get_model_metadata_impl}.cc and tensorflow_serving/model_servers/get_model_status_impl.cc. What is computed is
computed by the TensorFlow runtime. A signature must be of the method that is called, as with the server's flag
--enable_signature_method_name_check. `ran` is told of each servable that runs.
"""

import tensorflow as tf
from grpc import StatusCode
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from servables import DEFAULT_SIGNATURE, ServingFault

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def _invalid(message):
    return ServingFault(StatusCode.INVALID_ARGUMENT, message)


def _answer_spec(answer, servable, signature):
    answer.name = servable.name
    answer.signature_name = signature
    answer.version.value = servable.version


def predict(servables, request, ran):
    servable = servables.find(request.model_spec)
    signature = request.model_spec.signature_name or DEFAULT_SIGNATURE
    if signature not in servable.signatures:
        raise ServingFault(StatusCode.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.')
    expected, sent = set(servable.signatures[signature].inputs), set(request.inputs)
    if expected != sent:
        raise _invalid(f"input size does not match signature: {len(sent)}!={len(expected)}")
    inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
    outputs = servable.run(signature, inputs)
    ran(servable, signature)
    response = predict_pb2.PredictResponse()
    _answer_spec(response.model_spec, servable, signature)
    for name, value in outputs.items():
        if not request.output_filter or name in request.output_filter:
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    return response


def classify(servables, request, ran):
    servable, signature = _for_method(servables, request.model_spec, CLASSIFY)
    response = classification_pb2.ClassificationResponse()
    _answer_spec(response.model_spec, servable, signature)
    _run_task(servable, signature, request.input, response.result, ran)
    return response


def regress(servables, request, ran):
    servable, signature = _for_method(servables, request.model_spec, REGRESS)
    response = regression_pb2.RegressionResponse()
    _answer_spec(response.model_spec, servable, signature)
    _run_task(servable, signature, request.input, response.result, ran)
    return response


def multi_inference(servables, request, ran):
    """All tasks run on the servable that the FIRST task's spec means; of the others' only name and signature are read."""
    servable = servables.find(request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec())
    seen = set()
    for task in request.tasks:
        if task.model_spec.name != servable.name:
            raise _invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        signature = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if signature in seen:
            raise _invalid(f"Duplicate evaluation of signature: {signature}")
        seen.add(signature)
        if task.method_name not in (CLASSIFY, REGRESS):
            raise ServingFault(StatusCode.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
        _check_method(servable, signature, task.method_name)
    response = inference_pb2.MultiInferenceResponse()
    for task in request.tasks:
        signature = task.model_spec.signature_name or DEFAULT_SIGNATURE
        result = response.results.add()
        _answer_spec(result.model_spec, servable, signature)
        part = result.classification_result if task.method_name == CLASSIFY else result.regression_result
        _run_task(servable, signature, request.input, part, ran)
    return response


def metadata(servables, request):
    if not request.HasField("model_spec"):
        raise _invalid("Missing ModelSpec")
    if not request.metadata_field:
        raise _invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != "signature_def":
            raise _invalid(f"Metadata field {field} is not supported")
    servable = servables.find(request.model_spec)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in servable.signatures.items():
        signatures.signature_def[name].CopyFrom(signature)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    response.metadata["signature_def"].Pack(signatures)
    return response


def status(servables, request):
    """Of one version where a number is given, else of all: a label is not looked at."""
    if not request.HasField("model_spec"):
        raise _invalid("Missing ModelSpec")
    spec = request.model_spec
    versions = servables.versions(spec.name)
    if spec.HasField("version"):
        if spec.version.value not in versions:
            raise ServingFault(
                StatusCode.NOT_FOUND, f"Could not find version {spec.version.value} of model {spec.name}"
            )
        versions = [spec.version.value]
    elif not versions:
        raise ServingFault(StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in versions:
        response.model_version_status.add(version=version, state="AVAILABLE").status.SetInParent()
    return response


def _for_method(servables, spec, method):
    servable = servables.find(spec)
    signature = spec.signature_name or DEFAULT_SIGNATURE
    _check_method(servable, signature, method)
    return servable, signature


def _check_method(servable, signature, method):
    if signature not in servable.signatures:
        raise _invalid(f"No signature was found with the name: {signature}")
    kind = "classification" if method == CLASSIFY else "regression"
    found = servable.signatures[signature].method_name
    if found != method:
        raise _invalid(f"Expected {kind} signature method_name to be {method}. Was: {found}")


def _run_task(servable, signature, given, result, ran):
    outputs = servable.run(signature, {"inputs": tf.constant(_serialized(given), dtype=tf.string)})
    ran(servable, signature)
    if "scores" in outputs:
        for labels, scores in zip(outputs["classes"], outputs["scores"]):
            classes = result.classifications.add().classes
            for label, score in zip(labels, scores):
                classes.add(label=label, score=score)
    else:
        for value in outputs["outputs"]:
            result.regressions.add(value=value)


def _serialized(given):
    """Examples of an Input, the context merged into each."""
    if given.WhichOneof("kind") == "example_list_with_context":
        merged = []
        for example in given.example_list_with_context.examples:
            whole = type(example)()
            whole.CopyFrom(given.example_list_with_context.context)
            whole.MergeFrom(example)
            merged.append(whole)
        examples = merged
    else:
        examples = given.example_list.examples
    if not examples:
        raise _invalid("Input is empty.")
    return [example.SerializeToString() for example in examples]
