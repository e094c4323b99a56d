"""Small networks, quantized by ONNX Runtime's own tool in its usual option sets.

Usage: qdq_networks.py FOLDER few|all. Needs onnx, onnxruntime, numpy. Writes for each network NET-float.onnx with
its outputs NET-float.npy, and for each option set NET-SET.onnx with ONNX Runtime's outputs NET-SET.npy (graph
optimizations off), all of images.npy (float32, N x C x H x W), which calibrate as well.
"""

import logging
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

SIDE = 16


class Net:
    """A network node by node; its input is 1 x 3 x SIDE x SIDE."""

    def __init__(self) -> None:
        self.nodes, self.constants = [], []
        self.random = np.random.default_rng(1)

    def const(self, value, dtype=np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def noise(self, *shape, mean=0.0, deviation=None) -> str:
        deviation = int(np.prod(shape[1:])) ** -0.5 if deviation is None else deviation
        return self.const(self.random.normal(mean, deviation, shape))

    def op(self, kind: str, *inputs: str, **attributes) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def conv(self, x, cin, cout, k=1, stride=1, groups=1) -> str:
        w, b = self.noise(cout, cin // groups, k, k), self.noise(cout, deviation=0.1)
        shape = {"kernel_shape": [k, k], "strides": [stride] * 2, "pads": [k // 2] * 4, "group": groups}
        y = self.op("Conv", x, w, b, **shape)
        norm = [self.noise(cout, mean=m, deviation=d) for m, d in ((1, 0.1), (0, 0.2), (0, 0.1))]
        spread = self.const(np.abs(self.random.normal(1, 0.1, cout)))
        return self.op("BatchNormalization", y, *norm, spread)

    def linear(self, x, cin, cout) -> str:
        y = self.op("MatMul", x, self.const(self.random.normal(0, cin**-0.5, (cin, cout))))
        return self.op("Add", y, self.noise(cout, deviation=0.1))

    def head(self, x, width) -> bytes:
        y = self.op("Gemm", x, self.noise(10, width), self.noise(10, deviation=0.1), transB=1)
        tensor = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "net",
            [tensor("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
            [tensor(y, TensorProto.FLOAT, [1, 10])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        return onnx.shape_inference.infer_shapes(model).SerializeToString()


def gelu(net: Net, x: str, form: str) -> str:
    if form == "quick":
        return net.op("Mul", x, net.op("Sigmoid", net.op("Mul", x, net.const(1.702))))
    if form == "tanh":
        cube = net.op("Mul", net.op("Pow", x, net.const(3.0)), net.const(0.044715))
        inner = net.op("Mul", net.op("Add", x, cube), net.const((2 / np.pi) ** 0.5))
        gate = net.op("Add", net.op("Tanh", inner), net.const(1.0))
    else:
        gate = net.op("Add", net.op("Erf", net.op("Div", x, net.const(2**0.5))), net.const(1.0))
    return net.op("Mul", net.op("Mul", x, gate), net.const(0.5))


def vit(form: str, written_out: bool, dim=32, heads=2, blocks=2) -> bytes:
    net = Net()
    w, b = net.noise(dim, 3, 4, 4), net.noise(dim, deviation=0.1)
    x = net.op("Conv", "x", w, b, kernel_shape=[4, 4], strides=[4, 4])
    x = net.op("Transpose", net.op("Reshape", x, net.const([1, dim, 16], np.int64)), perm=[0, 2, 1])
    x = net.op("Concat", net.noise(1, 1, dim, deviation=0.5), x, axis=1)
    x = net.op("Add", x, net.noise(1, 17, dim, deviation=0.3))

    def norm(x: str) -> str:
        scale, bias = net.noise(dim, mean=1, deviation=0.2), net.noise(dim, deviation=0.2)
        if not written_out:
            return net.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-5)
        d = net.op("Sub", x, net.op("ReduceMean", x, axes=[-1], keepdims=1))
        v = net.op("ReduceMean", net.op("Pow", d, net.const(2.0)), axes=[-1], keepdims=1)
        y = net.op("Div", d, net.op("Sqrt", net.op("Add", v, net.const(1e-5))))
        return net.op("Add", net.op("Mul", y, scale), bias)

    for _ in range(blocks):
        y, parts = norm(x), []
        for i in range(3):
            part = net.op("Reshape", net.linear(y, dim, dim), net.const([1, 17, heads, dim // heads], np.int64))
            parts.append(net.op("Transpose", part, perm=[0, 2, 3, 1] if i == 1 else [0, 2, 1, 3]))
        scores = net.op("Mul", net.op("MatMul", *parts[:2]), net.const((dim // heads) ** -0.5))
        y = net.op("MatMul", net.op("Softmax", scores, axis=-1), parts[2])
        y = net.op("Reshape", net.op("Transpose", y, perm=[0, 2, 1, 3]), net.const([1, 17, dim], np.int64))
        x = net.op("Add", x, net.linear(y, dim, dim))
        x = net.op("Add", x, net.linear(gelu(net, net.linear(norm(x), dim, 2 * dim), form), 2 * dim, dim))
    return net.head(net.op("Gather", norm(x), net.const(0, np.int64), axis=1), dim)


def mobile(function: str, gate: str) -> bytes:
    """Inverted residuals with squeeze-and-excitation, as MobileNetV3 and EfficientNet have them."""
    net = Net()

    def act(x: str) -> str:
        if function == "silu":
            return net.op("Mul", x, net.op("Sigmoid", x))
        if function == "hardswish":
            return net.op("HardSwish", x)
        shifted = net.op("Add", x, net.const(3.0))
        return net.op("Div", net.op("Mul", x, net.op("Clip", shifted, net.const(0.0), net.const(6.0))), net.const(6.0))

    def gated(x: str) -> str:
        if gate == "sigmoid":
            return net.op("Sigmoid", x)
        if gate == "hardsigmoid":
            return net.op("HardSigmoid", x, alpha=1 / 6, beta=0.5)
        shifted = net.op("Add", x, net.const(3.0))
        return net.op("Div", net.op("Clip", shifted, net.const(0.0), net.const(6.0)), net.const(6.0))

    x, cin = act(net.conv("x", 3, 16, 3, 2)), 16
    for wide, cout, squeezed, stride, k in ((16, 16, True, 1, 3), (32, 24, False, 2, 3), (48, 24, True, 1, 5)):
        y = act(net.conv(x, cin, wide))
        y = act(net.conv(y, wide, wide, k, stride, groups=wide))
        if squeezed:
            s = net.op("Relu", net.conv(net.op("GlobalAveragePool", y), wide, 8))
            y = net.op("Mul", y, gated(net.conv(s, 8, wide)))
        y = net.conv(y, wide, cout)
        x, cin = net.op("Add", x, y) if stride == 1 and cin == cout else y, cout
    x = net.op("Flatten", net.op("GlobalAveragePool", act(net.conv(x, cin, 64))), axis=1)
    return net.head(x, 64)


NETWORKS = {
    "vit": lambda: vit("erf", written_out=True),
    "mobilenet": lambda: mobile("written out", "written out"),
    "efficientnet": lambda: mobile("silu", "sigmoid"),
    "vit-tanh": lambda: vit("tanh", written_out=False),
    "vit-quick": lambda: vit("quick", written_out=False),
    "mobilenet-hard": lambda: mobile("hardswish", "hardsigmoid"),
}
FEW = ["vit", "mobilenet", "efficientnet"]

T = QuantType
CONTRIB = {"UseQDQContribOps": True}
QOPERATOR = {"quant_format": QuantFormat.QOperator}
# Options of quantize_static; `extra` is its extra_options, `pre` and `fuse` what is done before.
SETS = {
    "default": {},
    "channel": {"per_channel": True},
    "signed": {"activation_type": T.QInt8, "per_channel": True},
    "symmetric": {"activation_type": T.QInt8, "extra": {"ActivationSymmetric": True}},
    "unsigned": {"weight_type": T.QUInt8},
    "reduced": {"reduce_range": True},
    "pairs": {"per_channel": True, "extra": {"AddQDQPairToWeight": True}},
    "bits16": {"activation_type": T.QUInt16, "extra": CONTRIB},
    "bits4": {"weight_type": T.QInt4, "extra": CONTRIB},
    "qoperator": QOPERATOR,
    "fused": {"fuse": True},
    "dedicated": {"extra": {"DedicatedQDQPair": True}},
    "weights": {"extra": {"WeightSymmetric": False}},
    "bias": {"extra": {"QuantizeBias": False}},
    "constants": {"extra": {"MatMulConstBOnly": True}},
    "outputs": {"extra": {"OpTypesToExcludeOutputQuantization": ["Conv", "MatMul", "Add", "Gemm", "Mul"]}},
    "layers": {"op_types_to_quantize": ["Conv", "MatMul", "Gemm"]},
    "bounds": {"extra": {"QDQKeepRemovableActivations": True}},
    "entropy": {"calibrate_method": CalibrationMethod.Entropy},
    "signed16": {"activation_type": T.QInt16, "weight_type": T.QInt16, "extra": CONTRIB},
    "opset21": {"activation_type": T.QInt16, "weight_type": T.QInt4, "per_channel": True},
    "unsigned4": {"weight_type": T.QUInt4, "extra": CONTRIB},
    "contrib": {"extra": CONTRIB},
    "pre": {"pre": True},
    "pre-channel": {"pre": True, "per_channel": True},
    "qoperator-channel": {**QOPERATOR, "per_channel": True},
    "qoperator-signed": {**QOPERATOR, "activation_type": T.QInt8},
    "qoperator-pre": {**QOPERATOR, "pre": True},
    "qoperator-fused": {**QOPERATOR, "fuse": True},
}
FEW_SETS = list(SETS)[:11]


class Images(CalibrationDataReader):
    def __init__(self, images: np.ndarray) -> None:
        self.feeds = iter([{"x": image[None]} for image in images])

    def get_next(self):
        return next(self.feeds, None)


def outputs(model: Path, images: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": image[None]})[0] for image in images])


def fused(model: Path, to: Path) -> None:
    """What ONNX Runtime's extended optimizations make of a model."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(to)
    ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def quantized(folder: Path, net: str, name: str, images: np.ndarray) -> None:
    options = {"activation_type": T.QUInt8, "weight_type": T.QInt8, **SETS[name]}
    source, to = folder / f"{net}-float.onnx", folder / f"{net}-{name}.onnx"
    if options.pop("pre", False):
        source, before = folder / "pre.tmp", source
        quant_pre_process(str(before), str(source), skip_symbolic_shape=True)
    if options.pop("fuse", False):
        before, source = source, folder / "fused.tmp"
        fused(before, source)
    quantize_static(str(source), str(to), Images(images), extra_options=options.pop("extra", {}), **options)
    np.save(folder / f"{net}-{name}.npy", outputs(to, images))


def main() -> None:
    folder, amount = Path(sys.argv[1]), sys.argv[2]
    logging.disable(logging.WARNING)
    ort.set_default_logger_severity(4)
    images = np.random.default_rng(0).integers(0, 256, (8, 3, SIDE, SIDE))
    images = ((images - 128) / 64).astype(np.float32)
    np.save(folder / "images.npy", images)
    for net in FEW if amount == "few" else NETWORKS:
        file = folder / f"{net}-float.onnx"
        file.write_bytes(NETWORKS[net]())
        np.save(folder / f"{net}-float.npy", outputs(file, images))
        for name in FEW_SETS if amount == "few" else SETS:
            quantized(folder, net, name, images)
        to = folder / f"{net}-dynamic.onnx"
        quantize_dynamic(str(file), str(to), weight_type=T.QInt8)
        np.save(folder / f"{net}-dynamic.npy", outputs(to, images))
        fused(file, folder / f"{net}-optimized.onnx")
        np.save(folder / f"{net}-optimized.npy", outputs(folder / f"{net}-optimized.onnx", images))


main()
