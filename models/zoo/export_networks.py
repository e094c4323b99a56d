"""Exports networks of torchvision and timm as ONNX, as their users do, with random weights.

What Bitgauge makes of them is in docs/reference/networks.md. Needs torch, torchvision, timm, onnx, numpy:

    python models/zoo/export_networks.py nets [file names without .onnx]
    bitgauge run --model nets/mobilenet_v3_small.onnx --data nets/images_96.toml --output report-mobilenet
"""

import inspect
import pathlib
import sys
import warnings

import numpy as np
import timm
import torch
import torchvision.models as tv

warnings.filterwarnings("ignore")
CLASSES = 100


class UNet(torch.nn.Module):
    """Two levels, one way up by a transposed convolution, one by repeated pixels."""

    def __init__(self):
        super().__init__()

        def block(inputs, outputs):
            conv = torch.nn.Conv2d(inputs, outputs, 3, padding=1)
            return torch.nn.Sequential(conv, torch.nn.BatchNorm2d(outputs), torch.nn.ReLU())

        self.first, self.second, self.third = block(3, 16), block(16, 32), block(32, 64)
        self.up = torch.nn.ConvTranspose2d(64, 32, 2, stride=2)
        self.fourth, self.fifth = block(64, 32), block(48, 16)
        self.out = torch.nn.Conv2d(16, 1, 1)

    def forward(self, x):
        functional = torch.nn.functional
        first = self.first(x)
        second = self.second(functional.max_pool2d(first, 2))
        third = self.third(functional.max_pool2d(second, 2))
        x = self.fourth(torch.cat([self.up(third), second], 1))
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        return self.out(self.fifth(torch.cat([x, first], 1)))


def by_timm(name, classes=CLASSES, **options):
    return lambda: timm.create_model(name, num_classes=classes, **options)


def of_paper(name):
    """As it is published: 1000 classes, 224 x 224."""
    make = getattr(tv, name, None)
    return (lambda: make() if make else by_timm(name, 1000)()), 224


# Name: how it is made, rows and columns of its images.
NETWORKS = {
    "vit_small_patch16_224": of_paper("vit_small_patch16_224"),
    "vit_base_patch16_224": of_paper("vit_base_patch16_224"),
    "deit_tiny_patch16_224": of_paper("deit_tiny_patch16_224"),
    "deit_small_patch16_224": of_paper("deit_small_patch16_224"),
    "deit_base_patch16_224": of_paper("deit_base_patch16_224"),
    "swin_tiny_patch4_window7_224": of_paper("swin_tiny_patch4_window7_224"),
    "swin_small_patch4_window7_224": of_paper("swin_small_patch4_window7_224"),
    "resnet18_224": of_paper("resnet18"),
    "mobilenet_v2_224": of_paper("mobilenet_v2"),
    "vgg16": of_paper("vgg16"),
    "vgg16_bn": of_paper("vgg16_bn"),
    "squeezenet1_1": (lambda: tv.squeezenet1_1(num_classes=CLASSES), 128),
    "shufflenet_v2_x0_5": (lambda: tv.shufflenet_v2_x0_5(num_classes=CLASSES), 128),
    "googlenet": (lambda: tv.googlenet(num_classes=CLASSES, aux_logits=False, init_weights=False), 128),
    "inception_v3": (lambda: tv.inception_v3(num_classes=CLASSES, aux_logits=False, init_weights=False), 128),
    "densenet (growth 8, blocks of 2)": (
        by_timm("densenet121", growth_rate=8, block_config=(2, 2, 2, 2)), 96),
    "xception41": (by_timm("xception41"), 96),
    "resnet18": (lambda: tv.resnet18(num_classes=CLASSES), 96),
    "seresnet18": (by_timm("legacy_seresnet18"), 96),
    "cspresnet50": (by_timm("cspresnet50"), 96),
    "dla34": (by_timm("dla34"), 96),
    "repvgg_a0": (by_timm("repvgg_a0"), 96),
    "regnetx_002": (by_timm("regnetx_002"), 96),
    "regnety_002": (by_timm("regnety_002"), 96),
    "resnext50_32x4d": (lambda: tv.resnext50_32x4d(num_classes=CLASSES), 96),
    "vgg11": (by_timm("vgg11"), 224),
    "ese_vovnet39b": (by_timm("ese_vovnet39b"), 96),
    "fastvit_t8": (by_timm("fastvit_t8"), 96),
    "mnasnet0_5": (lambda: tv.mnasnet0_5(num_classes=CLASSES), 96),
    "mobilenet_v2 (width 0.35)": (lambda: tv.mobilenet_v2(num_classes=CLASSES, width_mult=0.35), 96),
    "mobilenet_v3_small": (lambda: tv.mobilenet_v3_small(num_classes=CLASSES), 96),
    "efficientnet_b0": (by_timm("efficientnet_b0"), 96),
    "tinynet_e": (by_timm("tinynet_e"), 96),
    "ghostnet_050": (by_timm("ghostnet_050"), 96),
    "convnext_atto": (by_timm("convnext_atto"), 96),
    "unet": (UNet, 96),
    "deit_tiny_patch16": (by_timm("deit_tiny_patch16_224", img_size=96), 96),
    "torchvision ViT (2 blocks of 96)": (
        lambda: tv.VisionTransformer(96, 16, 2, 3, 96, 192, num_classes=CLASSES), 96),
    "beit (2 blocks of 96)": (
        by_timm("beit_base_patch16_224", img_size=96, depth=2, embed_dim=96, num_heads=3), 96),
    "lraspp_mobilenet_v3_large": (
        lambda: tv.segmentation.lraspp_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=21), 96),
    "deeplabv3_mobilenet_v3_large": (
        lambda: tv.segmentation.deeplabv3_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=21, aux_loss=False), 96),
    "mixer_s16": (by_timm("mixer_s16_224", img_size=96), 96),
    "resmlp_12": (by_timm("resmlp_12_224", img_size=96), 96),
    "cait_xxs (2 blocks)": (by_timm("cait_xxs24_224", img_size=96, depth=2), 96),
    "levit_128s": (by_timm("levit_128s"), 224),
    "swin (width 48, 2 blocks a stage)": (
        by_timm("swin_tiny_patch4_window7_224", img_size=112, embed_dim=48, depths=(2, 2, 2, 2),
                num_heads=(2, 2, 4, 4)), 112),
    "mobilevit_xxs": (by_timm("mobilevit_xxs"), 96),
}


def file_name(name):
    return name.split(" (")[0].replace(" ", "_").lower()


def export(name, folder):
    make, size = NETWORKS[name]
    torch.manual_seed(0)
    network = make().eval().requires_grad_(False)
    # Statistics as if it had been trained.
    for module in network.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    # Some layers start with zeros.
    for parameter in network.parameters():
        if not parameter.any() and parameter.dim() == 2:
            torch.nn.init.normal_(parameter, 0, 0.02)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d) and not module.weight.any():
            torch.nn.init.ones_(module.weight)
    path = folder / f"{file_name(name)}.onnx"
    names = {"input_names": ["image"], "output_names": ["logits"]}
    # Versions before 2.5 have no other exporter, and no name for this one.
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        names["dynamo"] = False
    torch.onnx.export(network, torch.randn(1, 3, size, size), str(path), opset_version=17, **names)
    return size


def images(folder, size):
    """Eight images of squares of 8 by 8 pixels."""
    squares = np.random.default_rng(1).integers(0, 256, (8, size // 8, size // 8, 3), dtype=np.uint8)
    np.save(folder / f"images_{size}.npy", squares.repeat(8, 1).repeat(8, 2))
    text = (
        f'calibration = "images_{size}.npy"\nimages = "images_{size}.npy"\n'
        'mean = [127.5, 127.5, 127.5]\nstd = [127.5, 127.5, 127.5]\ntask = "classification"\n'
    )
    (folder / f"images_{size}.toml").write_text(text)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "nets")
    folder.mkdir(parents=True, exist_ok=True)
    # All of them, or those that are named.
    for name in (name for name in NETWORKS if not sys.argv[2:] or file_name(name) in sys.argv[2:]):
        size = export(name, folder)
        images(folder, size)
        print(f"{file_name(name)}.onnx: {name}, {size} x {size}", flush=True)


if __name__ == "__main__":
    main()
