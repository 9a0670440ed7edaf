"""From a checkpoint to a bundle: ONNX, quantization, parity, manifest."""
