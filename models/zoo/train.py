"""Train the MNIST models of this folder and export them to ONNX.

Usage: train.py [vit] [cnn]; without a name, both. Needs fetch_mnist.py to
have run, and the packages of requirements.txt.
"""

import argparse
import time

from cli import DATA, ZOO, UserError, need, run, write_then_rename

need("jax", "numpy", "onnx", "onnxruntime")

# All below come after the check above.
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

import cnn  # noqa: E402
import vit  # noqa: E402
from onnx_graph import Graph  # noqa: E402

MODELS = {"vit": vit, "cnn": cnn}
SEED = 1
BATCH = 128
WEIGHT_DECAY = 0.05
WARMUP = 300  # steps
MEAN, STD = 33.3285, 78.5655  # of the training pixels; also in mnist.toml
CALIBRATION, TEST = 128, 500  # images committed beside the models


def load(part):
    """Images (N x 28 x 28 x 1, u8) and labels of `train` or `test`."""
    try:
        return (np.load(DATA / f"mnist_{part}_images_u8.npy"), np.load(DATA / f"mnist_{part}_labels_i64.npy"))
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; run fetch_mnist.py first") from None
    except ValueError as error:
        raise UserError(f"{DATA}: {error}; run fetch_mnist.py again") from None


def normalize(pixels):
    return (pixels.astype(jnp.float32) - MEAN) / STD


def shift(key, pixels, most):
    """Move every image by its own random offset of at most `most` pixels; what enters is black."""
    padded = jnp.pad(pixels, ((0, 0), (most, most), (most, most), (0, 0)))
    offset = jax.random.randint(key, (pixels.shape[0], 2), 0, 2 * most + 1)
    crop = lambda image, at: jax.lax.dynamic_slice(image, (at[0], at[1], 0), (28, 28, 1))
    return jax.vmap(crop)(padded, offset)


def make_step(model, steps):
    """One AdamW step under a cosine schedule with linear warm-up."""

    def loss(p, state, x, y):
        logits, state = model.forward(p, state, x, True)
        return -jax.nn.log_softmax(logits)[jnp.arange(len(y)), y].mean(), state

    def update(p, g, m, v, t, rate):
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        ahead = (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.99**t)) + 1e-8)
        decay = WEIGHT_DECAY if p.ndim > 1 else 0.0  # not biases and norms
        return p - rate * (ahead + decay * p), m, v

    @jax.jit
    def step(p, m, v, state, t, key, pixels, y):
        x = normalize(shift(jax.random.fold_in(key, t), pixels, model.SHIFT))
        (value, state), grads = jax.value_and_grad(loss, has_aux=True)(p, state, x, y)
        rate = model.RATE * jnp.minimum(t / WARMUP, 0.5 * (1 + jnp.cos(jnp.pi * t / steps)))
        new = {name: update(p[name], grads[name], m[name], v[name], t, rate) for name in p}
        p, m, v = ({name: triple[i] for name, triple in new.items()} for i in range(3))
        return p, m, v, state, value

    return step


def train(model, images, labels):
    """Train from scratch; the weights and the model's state."""
    rng, key = np.random.default_rng(SEED), jax.random.key(SEED)
    p, state = model.init(rng)
    m = v = {name: jnp.zeros_like(value) for name, value in p.items()}
    per_epoch = len(images) // BATCH
    step = make_step(model, per_epoch * model.EPOCHS)
    t, start = 0, time.time()
    for epoch in range(model.EPOCHS):
        order = rng.permutation(len(images))[: per_epoch * BATCH].reshape(per_epoch, BATCH)
        total = 0.0
        for batch in order:
            t += 1
            p, m, v, state, value = step(p, m, v, state, t, key, images[batch], labels[batch])
            total += value
        print(f"{model.NAME}: epoch {epoch + 1}, loss {total / per_epoch:.4f}, {time.time() - start:.0f} s", flush=True)
    return p, state


def jax_logits(model, p, state, images):
    forward = jax.jit(lambda x: model.forward(p, state, normalize(x), False)[0])
    return np.concatenate([forward(images[i : i + 1000]) for i in range(0, len(images), 1000)])


def onnx_logits(path, images):
    """Logits from ONNX Runtime, one image at a time as the graph wants them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    planes = ((images.astype(np.float32) - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2)
    return np.concatenate([session.run(None, {"input": planes[i : i + 1]})[0] for i in range(len(planes))])


def build(model, train_set, test_set):
    """Train, export, and compare the export with JAX on the whole test set."""
    p, state = train(model, *train_set)
    graph = Graph()
    to_numpy = lambda tree: {name: np.asarray(value) for name, value in tree.items()}
    model.export(graph, to_numpy(p), to_numpy(state))
    path = ZOO / f"{model.NAME}.onnx"
    graph.save(path, model.NAME, 17, ("input", [1, 1, 28, 28]), ("logits", [1, 10]))
    images, labels = test_set
    ours, theirs = jax_logits(model, p, state, images), onnx_logits(path, images)
    for name, logits in (("JAX", ours), ("ONNX Runtime", theirs)):
        right = int((logits.argmax(1) == labels).sum())
        print(f"{model.NAME}: {name} {right / len(labels):.2%} ({right} of {len(labels)})")
        small = int((logits[:TEST].argmax(1) == labels[:TEST]).sum())
        print(f"{model.NAME}: {name} on the first {TEST}: {small}")
    print(f"{model.NAME}: largest logit difference {np.abs(ours - theirs).max():.2e}, "
          f"{graph.parameters()} parameters, {path.stat().st_size} bytes")


def save_subsets(train_set, test_set):
    """The small arrays that mnist.toml names."""
    arrays = {
        "mnist_calibration_u8.npy": train_set[0][:CALIBRATION],
        "mnist_test_u8.npy": test_set[0][:TEST],
        "mnist_test_labels_i64.npy": test_set[1][:TEST],
    }
    for name, value in arrays.items():
        write_then_rename(ZOO / name, lambda file, value=value: np.save(file, value))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="vit or cnn; both when left out")
    names = parser.parse_args().models or list(MODELS)
    for name in names:
        if name not in MODELS:
            raise UserError(f"no model called {name!r}; there are {', '.join(MODELS)}")
    train_set, test_set = load("train"), load("test")
    save_subsets(train_set, test_set)
    for name in names:
        build(MODELS[name], train_set, test_set)


if __name__ == "__main__":
    run(main)
