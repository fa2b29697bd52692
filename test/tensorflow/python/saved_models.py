"""Makes the SavedModels of the tests with the real TensorFlow.

Two models in two versions, told apart by their answers: to an input of zeros each gives its offset.
"""

import os

import tensorflow as tf

OFFSETS = {
    ("finance-prod", 1): 11.0,
    ("finance-prod", 2): 12.0,
    ("finance-credit", 1): 21.0,
    ("finance-credit", 2): 22.0,
}
MODELS = sorted({name for name, _ in OFFSETS})
LABELS = {"stable": 1, "canary": 2}
FEATURES = 2


class Scorer(tf.Module):
    """`mean(x) + offset`, in the forms that the four methods of PredictionService ask for."""

    def __init__(self, offset):
        super().__init__()
        self.offset = tf.Variable(offset, dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="x")])
    def score(self, x):
        return {"score": tf.reduce_mean(x, axis=1) + self.offset}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="x")])
    def shift(self, x):
        """Its answer is as large as the question."""
        return {"shifted": x + self.offset}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        scores = self._of_examples(inputs)
        classes = tf.tile([["low", "high"]], [tf.shape(scores)[0], 1])
        return {"classes": classes, "scores": tf.stack([-scores, scores], axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        return {"outputs": self._of_examples(inputs)}

    def _of_examples(self, serialized):
        feature = {"x": tf.io.FixedLenFeature([FEATURES], tf.float32)}
        return tf.reduce_mean(tf.io.parse_example(serialized, feature)["x"], axis=1) + self.offset


def make_saved_models(folder):
    """Writes `<folder>/<model>/<version>/`, as TensorFlow Serving expects them under a base path."""
    for (name, version), offset in OFFSETS.items():
        path = os.path.join(folder, name, str(version))
        model = Scorer(offset)
        signatures = {
            "serving_default": model.score,
            "shift": model.shift,
            "classify": model.classify,
            "regress": model.regress,
        }
        tf.saved_model.save(model, path, signatures=signatures)
        _name_methods(path)


def _name_methods(path):
    """TensorFlow 2 writes every signature as one of Predict; Classify and Regress ask for the names of theirs."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(path)
    for method in ("classify", "regress"):
        updater.replace_method_name(signature_key=method, method_name=f"tensorflow/serving/{method}", tags="serve")
    updater.save()
