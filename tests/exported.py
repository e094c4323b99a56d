"""Runs ONNX models in ONNX Runtime, one after the other, as lines on stdin ask for it.

A line: MODEL.onnx, IMAGES.npy, OUTPUTS.npy, off or on (graph optimizations), separated by tabs. Images are float32,
one row for each, all inputs of the model one after the other; so are the outputs, codes and indices as float32. The
answer is a line on stdout: `ok`, or what is wrong. Needs onnxruntime and numpy.
"""

import sys

import numpy as np
import onnxruntime as ort

ort.set_default_logger_severity(4)


def run(model: str, images: str, outputs: str, level: str) -> None:
    options = ort.SessionOptions()
    if level == "off":
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rows = []
    for image in np.load(images):
        feeds, at = {}, 0
        for value in session.get_inputs():
            size = int(np.prod(value.shape))
            feeds[value.name] = image[at : at + size].reshape(value.shape)
            at += size
        rows.append(np.concatenate([result.ravel().astype(np.float32) for result in session.run(None, feeds)]))
    np.save(outputs, np.asarray(rows, dtype=np.float32))


for line in sys.stdin:
    try:
        run(*line.rstrip("\n").split("\t"))
        print("ok", flush=True)
    except Exception as error:  # Whatever ONNX Runtime finds wrong is the answer.
        print(" ".join(str(error).split()) or "failed", flush=True)
