"""A small ViT for MNIST: JAX forward pass, and the same as ONNX nodes."""

import math

import jax
import jax.numpy as jnp
import numpy as np

NAME = "vit_mnist"
PATCH, TOKENS, DIM, HEADS, BLOCKS, MLP = 4, 49, 64, 4, 4, 128
HEAD_DIM = DIM // HEADS
EPS = 1e-6
RATE, EPOCHS, SHIFT = 2e-3, 6, 1


def init(rng):
    """Fresh weights as a flat dictionary, named as timm's ViT names them."""
    p = {}

    def linear(name, rows, columns):
        p[f"{name}.weight"] = rng.normal(0, math.sqrt(2 / (rows + columns)), (rows, columns))
        p[f"{name}.bias"] = np.zeros(columns)

    def norm(name):
        p[f"{name}.weight"], p[f"{name}.bias"] = np.ones(DIM), np.zeros(DIM)

    linear("patch_embed", PATCH * PATCH, DIM)
    p["cls_token"] = rng.normal(0, 0.02, (1, 1, DIM))
    p["pos_embed"] = rng.normal(0, 0.02, (1, TOKENS + 1, DIM))
    for i in range(BLOCKS):
        for part in "qkv":
            linear(f"blocks.{i}.attn.{part}", DIM, DIM)
        linear(f"blocks.{i}.attn.proj", DIM, DIM)
        linear(f"blocks.{i}.mlp.fc1", DIM, MLP)
        linear(f"blocks.{i}.mlp.fc2", MLP, DIM)
        norm(f"blocks.{i}.norm1")
        norm(f"blocks.{i}.norm2")
    norm("norm")
    linear("head", DIM, 10)
    return {name: jnp.asarray(value, jnp.float32) for name, value in p.items()}, {}


def forward(p, state, x, training):
    """Logits of images N x 28 x 28 x 1; `state` is for models that keep one."""
    linear = lambda name, v: v @ p[f"{name}.weight"] + p[f"{name}.bias"]

    def norm(name, v):
        v = v - v.mean(-1, keepdims=True)
        v = v * jax.lax.rsqrt((v * v).mean(-1, keepdims=True) + EPS)
        return v * p[f"{name}.weight"] + p[f"{name}.bias"]

    n, side = x.shape[0], 28 // PATCH
    x = x.reshape(n, side, PATCH, side, PATCH).transpose(0, 1, 3, 2, 4)
    x = linear("patch_embed", x.reshape(n, TOKENS, PATCH * PATCH))
    cls = jnp.broadcast_to(p["cls_token"], (n, 1, DIM))
    x = jnp.concatenate([cls, x], 1) + p["pos_embed"]
    for i in range(BLOCKS):
        block = f"blocks.{i}"
        y = norm(f"{block}.norm1", x)
        k, v = (linear(f"{block}.attn.{part}", y).reshape(n, -1, HEADS, HEAD_DIM) for part in "kv")
        if i == BLOCKS - 1:
            # Only the class token is read from here on; the rest would be a fifth of the work.
            x, y = x[:, :1], y[:, :1]
        q = linear(f"{block}.attn.q", y).reshape(n, -1, HEADS, HEAD_DIM)
        score = jax.nn.softmax(jnp.einsum("nqhd,nkhd->nhqk", q, k) * HEAD_DIM**-0.5)
        v = jnp.einsum("nhqk,nkhd->nqhd", score, v).reshape(n, -1, DIM)
        x = x + linear(f"{block}.attn.proj", v)
        v = linear(f"{block}.mlp.fc1", norm(f"{block}.norm2", x))
        x = x + linear(f"{block}.mlp.fc2", jax.nn.gelu(v, approximate=False))
    return linear("head", norm("norm", x)[:, 0]), state


def export(g, p, state):
    """Write the forward pass for one image into Graph `g`; p holds numpy arrays."""
    t = TOKENS + 1
    heads, rows = g.const("shape.heads", [1, t, HEADS, HEAD_DIM]), g.const("shape.rows", [1, t, DIM])
    scale = g.const("attn.scale", HEAD_DIM**-0.5)
    root2, one, half = g.const("gelu.sqrt2", math.sqrt(2)), g.const("gelu.one", 1.0), g.const("gelu.half", 0.5)
    weight = lambda name: g.const(name, p[name])

    def linear(name, x):
        path = name.replace(".", "/")
        y = g.op(path, "MatMul", [x, weight(f"{name}.weight")])
        return g.op(path, "Add", [y, weight(f"{name}.bias")])

    def norm(name, x):
        inputs = [x, weight(f"{name}.weight"), weight(f"{name}.bias")]
        return g.op(name.replace(".", "/"), "LayerNormalization", inputs, axis=-1, epsilon=EPS)

    def head(path, x, perm):
        return g.op(path, "Transpose", [g.op(path, "Reshape", [x, heads])], perm=perm)

    patch = p["patch_embed.weight"].T.reshape(DIM, 1, PATCH, PATCH)
    x = g.conv("patch_embed", "input", patch, p["patch_embed.bias"], strides=[PATCH] * 2, pads=[0] * 4)
    x = g.op("patch_embed", "Reshape", [x, g.const("shape.patches", [1, DIM, TOKENS])])
    x = g.op("patch_embed", "Transpose", [x], perm=[0, 2, 1])
    x = g.op("", "Concat", [weight("cls_token"), x], axis=1)
    x = g.op("", "Add", [x, weight("pos_embed")])
    for i in range(BLOCKS):
        block, path = f"blocks.{i}", f"blocks/{i}"
        y = norm(f"{block}.norm1", x)
        q, k, v = (linear(f"{block}.attn.{part}", y) for part in "qkv")
        q = head(f"{path}/attn/q", q, [0, 2, 1, 3])
        k = head(f"{path}/attn/k", k, [0, 2, 3, 1])
        v = head(f"{path}/attn/v", v, [0, 2, 1, 3])
        y = g.op(f"{path}/attn/score", "MatMul", [q, k])
        y = g.op(f"{path}/attn/score", "Mul", [y, scale])
        y = g.op(f"{path}/attn", "Softmax", [y], axis=-1)
        y = g.op(f"{path}/attn", "MatMul", [y, v])
        y = g.op(f"{path}/attn", "Transpose", [y], perm=[0, 2, 1, 3])
        y = g.op(f"{path}/attn", "Reshape", [y, rows])
        x = g.op(f"{path}/residual1", "Add", [x, linear(f"{block}.attn.proj", y)])
        y = linear(f"{block}.mlp.fc1", norm(f"{block}.norm2", x))
        e = g.op(f"{path}/mlp/act", "Erf", [g.op(f"{path}/mlp/act", "Div", [y, root2])])
        y = g.op(f"{path}/mlp/act", "Mul", [y, g.op(f"{path}/mlp/act", "Add", [e, one])])
        y = g.op(f"{path}/mlp/act/half", "Mul", [y, half])
        x = g.op(f"{path}/residual2", "Add", [x, linear(f"{block}.mlp.fc2", y)])
    # A scalar index drops the token axis: 1 x 50 x 64 becomes 1 x 64.
    x = g.op("", "Gather", [norm("norm", x), g.const("cls_index", 0)], axis=1)
    return g.gemm("head", x, p["head.weight"].T, p["head.bias"], "logits")
