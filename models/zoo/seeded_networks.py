"""Large networks with seeded weights, as torchvision and timm export them: for time and memory, not for accuracy.

Usage: seeded_networks.py FOLDER [NAME ...]. Needs numpy and onnx. Writes NAME.onnx, and `images.toml` with one image
of 224 x 224 for calibration and test. The names: vgg16 (torchvision's, 138 million weights), vit_b (timm's
vit_base_patch16_224, 86 million), deep_1500 and deep_3000 (as many convolutions of 1 x 1, each with ReLU).
"""

import math
import sys
from pathlib import Path

import cli

cli.need("numpy", "onnx")

import numpy as np

from onnx_graph import Graph

OPSET = 17
IMAGE = [1, 3, 224, 224]


class Weights:
    """Normal weights that keep the size of what goes through, the same every time."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def normal(self, shape, fan_in, gain=2.0):
        return self.random.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(gain / fan_in))

    def bias(self, n):
        return self.random.standard_normal(n, dtype=np.float32) * np.float32(0.02)


def vgg16(path):
    """torchvision.models.vgg16: 13 convolutions of 3 x 3 and three fully connected layers."""
    graph, weights = Graph(), Weights(16)
    x, channels, index = "input", 3, 0
    for width in [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"]:
        name = f"features.{index}"
        if width == "M":
            x = graph.op(name.replace(".", "/"), "MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
            index += 1
            continue
        weight = weights.normal((width, channels, 3, 3), 9 * channels)
        x = graph.conv(name, x, weight, weights.bias(width), pads=[1, 1, 1, 1], strides=[1, 1])
        x = graph.op(f"features/{index + 1}", "Relu", [x])
        channels, index = width, index + 2
    x = graph.op("avgpool", "AveragePool", [x], kernel_shape=[1, 1], strides=[1, 1])
    x = graph.op("", "Flatten", [x], axis=1)
    for index, (inputs, outputs) in {0: (25088, 4096), 3: (4096, 4096), 6: (4096, 1000)}.items():
        last = index == 6
        result = "output" if last else f"/classifier/{index}/Gemm_output_0"
        weight = weights.normal((outputs, inputs), inputs, 1.0 if last else 2.0)
        x = graph.gemm(f"classifier.{index}", x, weight, weights.bias(outputs), result)
        if not last:
            x = graph.op(f"classifier/{index + 1}", "Relu", [x])
    graph.save(path, "vgg16", OPSET, ("input", IMAGE), ("output", [1, 1000]))
    return graph.parameters()


def vit_b(path, dim=768, heads=12, blocks=12, tokens=197):
    """timm's vit_base_patch16_224: LayerNorm before each part, exact GELU, class token."""
    graph, weights = Graph(), Weights(8)
    ints = lambda name, values: graph.const(name, np.asarray(values, np.int64))

    def linear(name, x, inputs, outputs):
        """MatMul with the weights turned, and the bias before the product: PyTorch's spelling."""
        weight = graph.const(f"{name}.weight.T", weights.normal((inputs, outputs), inputs, 1.0))
        label = name.replace(".", "/")
        product = graph.op(label, "MatMul", [x, weight])
        return graph.op(label, "Add", [graph.const(f"{name}.bias", weights.bias(outputs)), product])

    def norm(name, x):
        scale = graph.const(f"{name}.weight", 1.0 + weights.bias(dim))
        inputs = [x, scale, graph.const(f"{name}.bias", weights.bias(dim))]
        return graph.op(name.replace(".", "/"), "LayerNormalization", inputs, axis=-1, epsilon=1e-6)

    weight = weights.normal((dim, 3, 16, 16), 768, 1.0)
    x = graph.conv("patch_embed.proj", "input", weight, weights.bias(dim), pads=[0] * 4, strides=[16, 16])
    x = graph.op("patch_embed", "Reshape", [x, ints("patches", [1, dim, tokens - 1])])
    x = graph.op("patch_embed", "Transpose", [x], perm=[0, 2, 1])
    token = graph.const("cls_token", weights.normal((1, 1, dim), 1, 0.02))
    x = graph.op("", "Concat", [token, x], axis=1)
    x = graph.op("", "Add", [x, graph.const("pos_embed", weights.normal((1, tokens, dim), 1, 0.02))])
    root = graph.const("scale", np.float32((dim // heads) ** -0.25))
    for i in range(blocks):
        block = f"blocks.{i}"
        label = f"blocks/{i}/attn"
        y = linear(f"{block}.attn.qkv", norm(f"{block}.norm1", x), dim, 3 * dim)
        y = graph.op(f"{label}/heads", "Reshape", [y, ints("qkv", [1, tokens, 3, heads, dim // heads])])
        y = graph.op(f"{label}/heads", "Transpose", [y], perm=[2, 0, 3, 1, 4])
        pick = lambda part: graph.op(f"{label}/{part}", "Gather", [y, ints(f"part{part}", part)], axis=0)
        q, k, v = pick(0), pick(1), pick(2)
        q = graph.op(f"{label}/q", "Mul", [q, root])
        k = graph.op(f"{label}/k", "Transpose", [k], perm=[0, 1, 3, 2])
        k = graph.op(f"{label}/k", "Mul", [k, root])
        score = graph.op(f"{label}/score", "MatMul", [q, k])
        score = graph.op(label, "Softmax", [score], axis=-1)
        y = graph.op(f"{label}/value", "MatMul", [score, v])
        y = graph.op(f"{label}/joined", "Transpose", [y], perm=[0, 2, 1, 3])
        y = graph.op(f"{label}/joined", "Reshape", [y, ints("joined", [1, tokens, dim])])
        x = graph.op(f"{label}/sum", "Add", [x, linear(f"{block}.attn.proj", y, dim, dim)])
        y = linear(f"{block}.mlp.fc1", norm(f"{block}.norm2", x), dim, 4 * dim)
        act = f"blocks/{i}/mlp/act"
        half = graph.op(act, "Div", [y, graph.const("root2", np.float32(math.sqrt(2)))])
        half = graph.op(act, "Erf", [half])
        half = graph.op(act, "Add", [half, graph.const("one", np.float32(1))])
        y = graph.op(act, "Mul", [y, half])
        y = graph.op(f"{act}/half", "Mul", [y, graph.const("half", np.float32(0.5))])
        x = graph.op(f"blocks/{i}/mlp/sum", "Add", [x, linear(f"{block}.mlp.fc2", y, 4 * dim, dim)])
    x = graph.op("", "Gather", [norm("norm", x), ints("class", 0)], axis=1)
    graph.gemm("head", x, weights.normal((1000, dim), dim, 1.0), weights.bias(1000), "output")
    graph.save(path, "vit_b", OPSET, ("input", IMAGE), ("output", [1, 1000]))
    return graph.parameters()


def deep(path, layers, width=8):
    """A chain of convolutions of 1 x 1 over a small map: what grows with the number of layers alone."""
    graph, weights = Graph(), Weights(layers)
    weight = weights.normal((width, 3, 16, 16), 768)
    x = graph.conv("first", "input", weight, weights.bias(width), pads=[0] * 4, strides=[56, 56])
    for i in range(layers - 1):
        x = graph.conv(f"layers.{i}", x, weights.normal((width, width, 1, 1), width), weights.bias(width))
        x = graph.op(f"layers/{i}/act", "Relu", [x])
    x = graph.op("", "Flatten", [x], axis=1)
    graph.gemm("head", x, weights.normal((10, 16 * width), 16 * width), weights.bias(10), "output")
    graph.save(path, path.stem, OPSET, ("input", IMAGE), ("output", [1, 10]))
    return graph.parameters()


NETWORKS = {
    "vgg16": vgg16,
    "vit_b": vit_b,
    "deep_1500": lambda path: deep(path, 1500),
    "deep_3000": lambda path: deep(path, 3000),
}


def main():
    if len(sys.argv) < 2 or any(name not in NETWORKS for name in sys.argv[2:]):
        raise cli.UserError(f"usage: seeded_networks.py FOLDER [{' | '.join(NETWORKS)} ...]")
    folder = Path(sys.argv[1])
    for name in sys.argv[2:] or NETWORKS:
        print(f"{name}.onnx: {NETWORKS[name](folder / f'{name}.onnx')} parameters", flush=True)
    squares = np.random.default_rng(1).integers(0, 256, (1, 28, 28, 3), dtype=np.uint8)
    np.save(folder / "images.npy", squares.repeat(8, 1).repeat(8, 2))
    text = (
        'calibration = "images.npy"\nimages = "images.npy"\n'
        'mean = [127.5, 127.5, 127.5]\nstd = [63.75, 63.75, 63.75]\ntask = "classification"\n'
    )
    (folder / "images.toml").write_text(text)


if __name__ == "__main__":
    cli.run(main)
