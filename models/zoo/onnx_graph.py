"""A small writer of ONNX graphs, shared by the exporters of this folder."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cli import write_then_rename


class Graph:
    """Collects nodes and initializers; every method returns a tensor's name."""

    def __init__(self):
        self.nodes = []
        self.initializers = {}

    def const(self, name, value):
        """An initializer; float arrays become float32. A name is stored once."""
        if name not in self.initializers:
            value = np.asarray(value)
            kind = np.int64 if value.dtype.kind == "i" else np.float32
            # Not ascontiguousarray: that would turn a scalar into one dimension.
            value = np.array(value, dtype=kind, order="C")
            self.initializers[name] = numpy_helper.from_array(value, name)
        return name

    def op(self, name, kind, inputs, **attributes):
        """A node with one output; the node's name is `/name/kind`, as PyTorch writes it."""
        label = f"/{name}/{kind}" if name else f"/{kind}"
        output = f"{label}_output_0"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=label, **attributes))
        return output

    def conv(self, name, x, weight, bias, **attributes):
        """A Conv with bias; `weight` is O x I x H x W."""
        attributes.setdefault("kernel_shape", list(weight.shape[2:]))
        attributes.setdefault("group", 1)
        attributes.setdefault("dilations", [1, 1])
        inputs = [x, self.const(f"{name}.weight", weight), self.const(f"{name}.bias", bias)]
        return self.op(name.replace(".", "/"), "Conv", inputs, **attributes)

    def relu6(self, name, x):
        """ReLU6 as Clip to [0, 6]."""
        return self.op(name, "Clip", [x, self.const("relu6.min", 0.0), self.const("relu6.max", 6.0)])

    def gemm(self, name, x, weight, bias, result):
        """The last fully connected layer, Y = X W^T + b; its output is called `result`."""
        inputs = [x, self.const(f"{name}.weight", weight), self.const(f"{name}.bias", bias)]
        self.nodes.append(helper.make_node(
            "Gemm", inputs, [result], name=f"/{name}/Gemm", alpha=1.0, beta=1.0, transB=1))
        return result

    def parameters(self):
        """Number of float weights, without shared scalars."""
        floats = [t for t in self.initializers.values() if t.data_type == TensorProto.FLOAT and t.dims]
        return sum(int(np.prod(t.dims)) for t in floats)

    def save(self, path, name, opset, source, result):
        """Check the graph and write it; source and result are (name, shape)."""
        value = lambda pair: helper.make_tensor_value_info(pair[0], TensorProto.FLOAT, pair[1])
        graph = helper.make_graph(
            self.nodes, name, [value(source)], [value(result)], list(self.initializers.values()))
        model = helper.make_model(
            graph, producer_name="bitgauge-zoo", opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        onnx.checker.check_model(model, full_check=True)
        write_then_rename(path, lambda file: file.write(model.SerializeToString()))


def fold_batch_norm(weight, gamma, beta, mean, variance, eps):
    """Weight (O x I x H x W) and bias of a conv that does the batch norm after it too."""
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + eps)
    return weight * scale[:, None, None, None], beta - mean * scale
