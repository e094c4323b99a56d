"""Runs an ONNX model in ONNX Runtime and dumps every intermediate tensor.

Usage: reference_tensors.py MODEL.onnx OUT_FOLDER. Needs onnx, onnxruntime, numpy.
Writes input_I.npy, tensor_I.npy and index.txt (lines: "input|tensor I NAME"). The input is seeded noise;
symbolic dimensions become 1. Graph optimizations are off, so that no tensor disappears.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort


def main() -> None:
    model = onnx.load(sys.argv[1])
    out = pathlib.Path(sys.argv[2])
    graph = model.graph
    constants = {i.name for i in graph.initializer}
    declared = {o.name for o in graph.output}
    inferred = onnx.shape_inference.infer_shapes(model)
    floats = {
        v.name
        for v in list(inferred.graph.value_info) + list(graph.output)
        if v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    }
    for node in graph.node:
        for name in node.output:
            if name in floats and name not in declared:
                graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(7)
    lines, feed = [], {}
    for i, value in enumerate(v for v in graph.input if v.name not in constants):
        dims = [d.dim_value for d in value.type.tensor_type.shape.dim]
        shape = [1 if axis == 0 else d for axis, d in enumerate(dims)]
        feed[value.name] = rng.standard_normal(shape).astype(np.float32)
        np.save(out / f"input_{i}.npy", feed[value.name])
        lines.append(f"input {i} {value.name}")
    names = [o.name for o in session.get_outputs()]
    for i, (name, tensor) in enumerate(zip(names, session.run(names, feed))):
        np.save(out / f"tensor_{i}.npy", np.asarray(tensor, dtype=np.float32, order="C"))
        lines.append(f"tensor {i} {name}")
    (out / "index.txt").write_text("\n".join(lines) + "\n")


main()
