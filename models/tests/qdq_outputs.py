"""Runs an ONNX model in ONNX Runtime, image by image.

Usage: qdq_outputs.py MODEL.onnx IMAGES.npy OUTPUTS.npy off|on (graph optimizations). Needs onnxruntime and numpy. Images are float32,
N x the model's input without its batch; the outputs are the first output of each image, flattened.
"""

import sys

import numpy as np
import onnxruntime as ort


def main() -> None:
    model, images, outputs, level = sys.argv[1:5]
    options = ort.SessionOptions()
    if level == "off":
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 2
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    results = [session.run(None, {name: image[None]})[0].ravel() for image in np.load(images)]
    np.save(outputs, np.asarray(results, dtype=np.float32, order="C"))


main()
