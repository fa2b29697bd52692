"""Stands in for tensorflow_model_server, which no package registry has: the same runtime, messages and servicers, in Python.

    python server.py FOLDER

Makes the SavedModels in FOLDER, writes a line for each call to FOLDER/calls.ndjson, says on standard output where it listens
(`{"grpc": PORT, "rest": PORT, "models": FOLDER}`), and ends when its standard input ends.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from tensorflow_serving.config import model_server_config_pb2  # noqa: E402

from call_log import CallLog  # noqa: E402
from grpc_server import start_grpc  # noqa: E402
from rest_server import start_rest  # noqa: E402
from saved_models import LABELS, MODELS, make_saved_models  # noqa: E402
from servables import Servables  # noqa: E402


def configuration(folder, labels):
    config = model_server_config_pb2.ModelServerConfig()
    for name in MODELS:
        model = config.model_config_list.config.add(name=name, base_path=os.path.join(folder, name))
        model.model_platform = "tensorflow"
        model.model_version_policy.all.SetInParent()
        model.version_labels.update(labels)
    return config


def main(folder):
    models = os.path.join(folder, "models")
    make_saved_models(models)
    servables = Servables()
    # Labels can only be given to versions that are loaded: so they come second.
    servables.configure(configuration(models, {}))
    servables.configure(configuration(models, LABELS))
    log = CallLog(os.path.join(folder, "calls.ndjson"))
    grpc_server, grpc_port = start_grpc(servables, log)
    rest_server, rest_port = start_rest(servables, log)
    print(json.dumps({"grpc": grpc_port, "rest": rest_port, "models": models}), flush=True)
    sys.stdin.read()
    rest_server.shutdown()
    grpc_server.stop(1).wait()


if __name__ == "__main__":
    main(sys.argv[1])
