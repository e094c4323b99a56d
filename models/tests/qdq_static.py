"""Quantizes an ONNX model with ONNX Runtime's own tool: static, QDQ.

Usage: qdq_static.py MODEL.onnx IMAGES.npy QUANTIZED.onnx channel|tensor|unsigned. Needs onnx, onnxruntime, numpy.
Calibrates on the first 200 images (float32, N x the model's input without its batch). The last word is the form
of the weights: signed per channel, signed per tensor, or with a zero point of their own per tensor; activations
are signed beside the second and unsigned beside the others.
"""

import sys

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class Images(CalibrationDataReader):
    def __init__(self, name: str, images: np.ndarray) -> None:
        self.feeds = iter([{name: image[None]} for image in images])

    def get_next(self):
        return next(self.feeds, None)


def main() -> None:
    model, images, quantized, form = sys.argv[1:5]
    name = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0].name
    quantize_static(
        model,
        quantized,
        Images(name, np.load(images)[:200]),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8 if form == "tensor" else QuantType.QUInt8,
        per_channel=form == "channel",
        weight_type=QuantType.QUInt8 if form == "unsigned" else QuantType.QInt8,
    )


main()
