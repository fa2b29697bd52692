"""TensorFlow Serving's gRPC: the official servicers of tensorflow-serving-api over `inference`."""

import time
from concurrent import futures

import grpc
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

import inference
from call_log import Call
from servables import ServingFault

# As tensorflow_serving/model_servers/server.cc sets it with SetMaxMessageSize.
MESSAGE_BYTES_MAX = 2**31 - 1
WAIT = "x-test-wait-ms"


class _Answering:
    def __init__(self, servables, log):
        self.servables = servables
        self.log = log

    def answer(self, operation, request, context, handle, specs=None):
        metadata = dict(context.invocation_metadata())
        call = Call("grpc", operation, metadata)
        if specs is None:
            specs = [request.model_spec] if request.HasField("model_spec") else []
        call.asked(specs)
        call.record["bytes"] = request.ByteSize()
        remaining = context.time_remaining()
        call.record["deadlineMs"] = None if remaining is None or remaining > 1e6 else round(remaining * 1000)
        code, message, response = grpc.StatusCode.OK, "", None
        try:
            if WAIT in metadata:
                time.sleep(int(metadata[WAIT]) / 1000)
            response = handle(call.ran)
        except ServingFault as fault:
            code, message = fault.code, fault.message
        call.record["code"] = code.name
        call.record["cancelled"] = not context.is_active()
        context.set_trailing_metadata((("x-answered-by", operation),))
        self.log.write(call.record)
        if response is None:
            context.abort(code, message)
        return response


class PredictionService(_Answering, prediction_service_pb2_grpc.PredictionServiceServicer):
    def Predict(self, request, context):
        return self.answer("Predict", request, context, lambda ran: inference.predict(self.servables, request, ran))

    def Classify(self, request, context):
        return self.answer("Classify", request, context, lambda ran: inference.classify(self.servables, request, ran))

    def Regress(self, request, context):
        return self.answer("Regress", request, context, lambda ran: inference.regress(self.servables, request, ran))

    def MultiInference(self, request, context):
        specs = [task.model_spec for task in request.tasks]
        handle = lambda ran: inference.multi_inference(self.servables, request, ran)  # noqa: E731
        return self.answer("MultiInference", request, context, handle, specs)

    def GetModelMetadata(self, request, context):
        return self.answer("GetModelMetadata", request, context, lambda _: inference.metadata(self.servables, request))


class ModelService(_Answering, model_service_pb2_grpc.ModelServiceServicer):
    def GetModelStatus(self, request, context):
        return self.answer("GetModelStatus", request, context, lambda _: inference.status(self.servables, request))

    def HandleReloadConfigRequest(self, request, context):
        def reload(_):
            if not request.config.HasField("model_config_list"):
                raise ServingFault(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "ServerModelConfig type not supported by HandleReloadConfigRequest."
                    " Only ModelConfigList is currently supported",
                )
            self.servables.configure(request.config)
            response = model_management_pb2.ReloadConfigResponse()
            response.status.SetInParent()
            return response

        return self.answer("HandleReloadConfigRequest", request, context, reload, [])


def start_grpc(servables, log):
    """Returns the server and the port that it listens on, on loopback."""
    options = [
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=options)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(servables, log), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(servables, log), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
