"""A small residual CNN for MNIST with depthwise blocks: JAX, and the same as ONNX."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from onnx_graph import fold_batch_norm

NAME = "cnn_mnist"
EPS, MOMENTUM = 1e-5, 0.95
RATE, EPOCHS, SHIFT = 4e-3, 6, 2

# Every conv, each followed by a batch norm: kernel, inputs, outputs, stride, groups.
CONVS = {
    "stem": (3, 1, 16, 1, 1),
    "res1.conv1": (3, 16, 16, 1, 1),
    "res1.conv2": (3, 16, 16, 1, 1),
    "down.expand": (1, 16, 48, 1, 1),
    "down.depthwise": (3, 48, 48, 2, 48),
    "down.project": (1, 48, 32, 1, 1),
    "inverted.expand": (1, 32, 96, 1, 1),
    "inverted.depthwise": (3, 96, 96, 1, 96),
    "inverted.project": (1, 96, 32, 1, 1),
    "res2.conv1": (3, 32, 32, 1, 1),
    "res2.conv2": (3, 32, 32, 1, 1),
}


def network(ops):
    """The architecture, written once: `ops` either computes it or exports it."""
    x = ops.relu("stem", ops.conv("stem", ops.input))
    x = ops.max_pool(x)
    x = residual(ops, "res1", x)
    x = depthwise(ops, "down", x)
    x = ops.add("inverted", depthwise(ops, "inverted", x), x)
    x = residual(ops, "res2", x)
    return ops.classify(x)


def residual(ops, name, x):
    """Two 3x3 convs, identity shortcut, ReLU after the sum."""
    y = ops.relu(f"{name}.relu1", ops.conv(f"{name}.conv1", x))
    y = ops.conv(f"{name}.conv2", y)
    return ops.relu(f"{name}.relu2", ops.add(name, y, x))


def depthwise(ops, name, x):
    """1x1 expansion, 3x3 depthwise, 1x1 linear projection (MobileNetV2)."""
    x = ops.relu6(f"{name}.relu1", ops.conv(f"{name}.expand", x))
    x = ops.relu6(f"{name}.relu2", ops.conv(f"{name}.depthwise", x))
    return ops.conv(f"{name}.project", x)


def init(rng):
    """Fresh weights, and the batch norms' running mean and variance."""
    p, state = {}, {}
    for name, (k, inputs, outputs, _, groups) in CONVS.items():
        shape = (k, k, inputs // groups, outputs)
        p[f"{name}.weight"] = rng.normal(0, math.sqrt(2 / (k * k * inputs // groups)), shape)
        p[f"{name}.gamma"], p[f"{name}.beta"] = np.ones(outputs), np.zeros(outputs)
        state[f"{name}.mean"], state[f"{name}.var"] = np.zeros(outputs), np.ones(outputs)
    p["fc.weight"], p["fc.bias"] = rng.normal(0, 0.1, (32, 10)), np.zeros(10)
    to_jax = lambda d: {name: jnp.asarray(value, jnp.float32) for name, value in d.items()}
    return to_jax(p), to_jax(state)


class Compute:
    """Runs the network on images N x H x W x C with JAX."""

    def __init__(self, p, state, x, training):
        self.p, self.state, self.input, self.training = p, dict(state), x, training

    def conv(self, name, x):
        k, _, _, stride, groups = CONVS[name]
        x = convolve(x, self.p[f"{name}.weight"], k, stride, groups)
        if self.training:
            mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
            for key, value in ((f"{name}.mean", mean), (f"{name}.var", var)):
                self.state[key] = MOMENTUM * self.state[key] + (1 - MOMENTUM) * value
        else:
            mean, var = self.state[f"{name}.mean"], self.state[f"{name}.var"]
        scale = self.p[f"{name}.gamma"] * jax.lax.rsqrt(var + EPS)
        return (x - mean) * scale + self.p[f"{name}.beta"]

    def relu(self, _, x):
        return jax.nn.relu(x)

    def relu6(self, _, x):
        return jnp.clip(x, 0, 6)

    def add(self, _, a, b):
        return a + b

    def max_pool(self, x):
        n, h, w, c = x.shape
        return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))

    def classify(self, x):
        return x.mean((1, 2)) @ self.p["fc.weight"] + self.p["fc.bias"]


def convolve(x, weight, k, stride, groups):
    """A conv with padding k // 2; depthwise as shifted products, since XLA's is slow on a CPU."""
    if k == 1:
        return x @ weight[0, 0]
    if groups == 1:
        return jax.lax.conv_general_dilated(
            x, weight, (stride, stride), [(1, 1), (1, 1)], dimension_numbers=("NHWC", "HWIO", "NHWC"))
    h, w = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    taps = [(i, j) for i in range(k) for j in range(k)]
    return sum(x[:, i : i + h : stride, j : j + w : stride] * weight[i, j, 0] for i, j in taps)


def forward(p, state, x, training):
    """Logits of images N x 28 x 28 x 1, and the state after them."""
    ops = Compute(p, state, x, training)
    logits = network(ops)
    return logits, ops.state


class Export:
    """Writes the network into Graph `g`, every batch norm folded into its conv."""

    input = "input"

    def __init__(self, g, p, state):
        self.g, self.p, self.state = g, p, state

    def conv(self, name, x):
        k, _, _, stride, groups = CONVS[name]
        weight, bias = fold_batch_norm(
            self.p[f"{name}.weight"].transpose(3, 2, 0, 1), self.p[f"{name}.gamma"],
            self.p[f"{name}.beta"], self.state[f"{name}.mean"], self.state[f"{name}.var"], EPS)
        return self.g.conv(name, x, weight, bias, strides=[stride] * 2, pads=[k // 2] * 4, group=groups)

    def relu(self, name, x):
        return self.g.op(name.replace(".", "/"), "Relu", [x])

    def relu6(self, name, x):
        return self.g.relu6(name.replace(".", "/"), x)

    def add(self, name, a, b):
        return self.g.op(name, "Add", [a, b])

    def max_pool(self, x):
        return self.g.op("pool", "MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4, ceil_mode=0)

    def classify(self, x):
        x = self.g.op("pool", "GlobalAveragePool", [x])
        x = self.g.op("", "Flatten", [x], axis=1)
        return self.g.gemm("fc", x, self.p["fc.weight"].T, self.p["fc.bias"], "logits")


def export(g, p, state):
    """Write the forward pass for one image into Graph `g`; p and state hold numpy arrays."""
    return network(Export(g, p, state))
