"""From a checkpoint to a bundle: ONNX, quantization, parity, manifest."""

import agent  # noqa: F401 - first of all: it switches off the telemetry of libraries
