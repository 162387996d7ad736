"""What `metrics.json` of an export may hold, for tests of what is made of it."""

from search.run_folder.exported.metrics import Metrics
from search.run_folder.schema import from_json

METRICS = {
    "accuracy": 0.95,
    "accuracy_interval": [0.92, 0.97],
    "loss": 0.12,
    "auc": 0.99,
    "ece": 0.02,
    "ece_uncalibrated": 0.04,
    "pictures": 300,
    "class_counts": {"cat": 150, "dog\n": 150},
    "majority_class_accuracy": 0.5,
    "labels": ["cat", "dog\n"],
    "confusion_matrix": [[141, 9], [6, 144]],
    "lock_box_opened": 1,
    "optimism": 0.012,
    "val_accuracy": 0.962,
    "val_accuracy_in_search": 0.97,
    "verdict": "The best is better.",
    "ensemble": {"members": ["1", "2"], "value": 0.97, "of_best": 0.962, "latency": 0.031},
    "calibration": {"temperature": 1.5, "threshold": None, "validation_ece": [0.04, 0.03]},
    "slices": [{"slice": "dark", "pictures": 20, "accuracy": 0.9, "interval": [0.7, 0.97]}],
    "cheaper_within": 0.01,
    "finalists": [
        {
            "configuration": "0000",
            "summary": "cnn",
            "chosen": False,
            "trainings": 3,
            "mean": 0.963,
            "score_in_search": 0.97,
            "latency": 0.012,
            "behind": 0.0,
            "interval": [0.0, 0.0],
            "as_good": True,
            "out": False,
            "size": None,
            "known_good": False,
        },
        {
            "configuration": "0001",
            "summary": "xception",
            "chosen": True,
            "trainings": 3,
            "mean": 0.962,
            "score_in_search": 0.96,
            "latency": 0.003,
            "behind": 0.001,
            "interval": [-0.01, 0.012],
            "as_good": True,
            "out": False,
            "size": None,
            "known_good": True,
        },
    ],
    "parity": [
        {
            "format": "onnx",
            "file": "model.onnx",
            "size": 7_700_000,
            "latency_median": 0.0088,
            "latency_p95": 0.0194,
            "peak_memory": 95_000_000,
            "load_seconds": 0.3,
            "largest_difference": 5.2e-6,
            "mean_difference": 1.1e-6,
            "agreement": 1.0,
        }
    ],
    "files": ["results/run/export/model.onnx"],
    "run": "run",
    "summary": "cnn",
    "configuration": {"family": "cnn"},
    "trained_on": 1000,
    "precision_wished": 0.99,
    "image_size": [16, 16],
    "parameters": 1234,
    "epochs": 8,
}


def metrics_with(**changes):
    """The metrics with some of the values in JSON changed."""
    return from_json(Metrics, METRICS | changes, file="metrics.json")
