"""The model: a folder of ONNX graphs with a manifest, loaded with its hashes checked."""
