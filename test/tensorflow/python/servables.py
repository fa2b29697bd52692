"""Which versions of which models are loaded, and what their labels are: TensorFlow Serving's ServerCore, as far as it is needed.

Sources: tensorflow_serving/model_servers/server_core.cc, tensorflow_serving/apis/model.proto.
"""

import os
import threading

import tensorflow as tf
from grpc import StatusCode
from tensorflow.core.protobuf import saved_model_pb2

DEFAULT_SIGNATURE = "serving_default"


class ServingFault(Exception):
    """What a call is answered with instead of a result."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


class Servable:
    """One version of a model, loaded into the TensorFlow runtime."""

    def __init__(self, name, version, path):
        self.name = name
        self.version = version
        self.loaded = tf.saved_model.load(path)
        with open(os.path.join(path, "saved_model.pb"), "rb") as file:
            self.signatures = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].signature_def

    def run(self, signature, inputs):
        """`inputs` by name → outputs by name, as arrays."""
        try:
            outputs = self.loaded.signatures[signature](**inputs)
        except (tf.errors.InvalidArgumentError, ValueError, TypeError) as fault:
            raise ServingFault(StatusCode.INVALID_ARGUMENT, " ".join(str(fault).split())) from fault
        return {name: tensor.numpy() for name, tensor in outputs.items()}


class Servables:
    """All of them. A change of the configuration takes effect at once and as a whole."""

    def __init__(self):
        self._lock = threading.Lock()
        self._versions = {}
        self._labels = {}

    def configure(self, config):
        """Takes up a ModelServerConfig. A label can only be given to a version that is already loaded."""
        with self._lock:
            models = config.model_config_list.config
            for model in models:
                for label, version in model.version_labels.items():
                    if version not in self._versions.get(model.name, {}):
                        raise ServingFault(
                            StatusCode.FAILED_PRECONDITION,
                            f"Request to assign label to version {version} of model {model.name}, "
                            "which is not currently available for inference",
                        )
            self._versions = {model.name: self._load(model) for model in models}
            self._labels = {model.name: dict(model.version_labels) for model in models}

    def _load(self, model):
        known = self._versions.get(model.name, {})
        there = sorted(int(entry) for entry in os.listdir(model.base_path) if entry.isdigit())
        policy = model.model_version_policy
        if policy.HasField("specific"):
            wanted = [version for version in there if version in policy.specific.versions]
        elif policy.HasField("all"):
            wanted = there
        else:
            wanted = there[-(policy.latest.num_versions or 1) :]
        return {
            version: known.get(version) or Servable(model.name, version, os.path.join(model.base_path, str(version)))
            for version in wanted
        }

    def find(self, spec):
        """The servable that a ModelSpec means: the version, the one with the label, or the latest."""
        if not spec.name:
            raise ServingFault(StatusCode.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        versions = self._versions.get(spec.name, {})
        choice = spec.WhichOneof("version_choice")
        if choice is None:
            if not versions:
                raise ServingFault(StatusCode.NOT_FOUND, f"Servable not found for request: Latest({spec.name})")
            return versions[max(versions)]
        version = spec.version.value if choice == "version" else self._version_of(spec)
        if version not in versions:
            raise ServingFault(StatusCode.NOT_FOUND, f"Servable not found for request: Specific({spec.name}, {version})")
        return versions[version]

    def _version_of(self, spec):
        version = self._labels.get(spec.name, {}).get(spec.version_label)
        if version is None:
            raise ServingFault(
                StatusCode.INVALID_ARGUMENT, f"Unrecognized servable version label: {spec.version_label}"
            )
        return version

    def versions(self, name):
        return sorted(self._versions.get(name, {}))
