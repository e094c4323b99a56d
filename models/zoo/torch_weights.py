"""Read the weights in a PyTorch file of the old (not zip) format, without PyTorch.

Such a file is four pickles (a magic number, a version, the writer's machine,
the objects), a fifth with the storages' keys, and then the storages' raw data,
each after its length. The unpickler knows just the names that a dictionary of
tensors needs and refuses every other, so no code in the file can run.
"""

import collections
import pickle

import numpy as np

from cli import UserError

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class Tensor:
    """Where a tensor lies in its storage; the data come later in the file."""

    def __init__(self, storage, offset, shape, stride, *_):
        self.key, self.dtype = storage
        self.offset, self.shape, self.stride = offset, tuple(shape), tuple(stride)

    def array(self, storages):
        flat = storages[self.key]
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.stride))
        if 0 in self.shape or min(self.stride, default=0) < 0 or not 0 <= self.offset <= last < flat.size:
            raise UserError("a tensor reaches outside its storage; the file is damaged")
        strides = [s * flat.itemsize for s in self.stride]
        # Not packed: these weights lie in TensorFlow's order, seen through strides.
        return np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, strides).copy()


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return Tensor
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a weights file")

    def persistent_load(self, reference):
        _, dtype, key, *_ = reference
        return key, dtype


def load(path):
    """All tensors of the file by name, as arrays."""
    try:
        with open(path, "rb") as file:
            if Unpickler(file).load() != MAGIC or Unpickler(file).load() != VERSION:
                raise UserError(f"{path} is not a PyTorch weights file of the old format")
            Unpickler(file).load()
            tensors = Unpickler(file).load()
            dtypes = {t.key: t.dtype for t in tensors.values()}
            storages = {}
            for key in Unpickler(file).load():
                count = int.from_bytes(file.read(8), "little")
                dtype = np.dtype(dtypes[key])
                storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
            return {name: t.array(storages) for name, t in tensors.items()}
    except (pickle.UnpicklingError, EOFError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read as PyTorch weights: {error}") from None
