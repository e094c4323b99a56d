"""Times an ONNX model in ONNX Runtime on one thread, one inference per line of stdin.

Usage: onnxruntime_time.py MODEL.onnx IMAGE.npy. Needs numpy and onnxruntime. Answers `ready VERSION`, then the
nanoseconds of each inference and those that the processor worked on it, a line each.
"""

import sys
import time

import numpy as np
import onnxruntime as ort

options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
feed = {session.get_inputs()[0].name: np.load(sys.argv[2])}
session.run(None, feed)
print("ready", ort.__version__, flush=True)
for _ in sys.stdin:
    start, worked = time.perf_counter_ns(), time.process_time_ns()
    session.run(None, feed)
    print(time.perf_counter_ns() - start, time.process_time_ns() - worked, flush=True)
