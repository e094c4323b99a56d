"""Networks of the papers at full size, on the three reference designs: the table of docs/reference/full-size.md.

    python models/zoo/export_networks.py nets vit_small_patch16_224 vit_base_patch16_224 ...
    python models/zoo/full_size.py nets [program [file names without .onnx]] > table.md

For each network: quantizes it, runs one image on each design (the program ends with an error if a byte of its
output is not the interpreter's), and holds multiply-accumulates and parameters to the published figures.
"""

import json
import pathlib
import subprocess
import sys

# File name: what the table calls it, published giga multiply-accumulates, published million parameters.
NETWORKS = {
    "vit_small_patch16_224": ("ViT-S/16", 4.61, 22.05),
    "vit_base_patch16_224": ("ViT-B/16", 17.564, 86.567656),
    "deit_tiny_patch16_224": ("DeiT-T", 1.26, 5.717),
    "deit_small_patch16_224": ("DeiT-S", 4.61, 22.05),
    "deit_base_patch16_224": ("DeiT-B", 17.564, 86.567656),
    "swin_tiny_patch4_window7_224": ("Swin-T", 4.491, 28.288354),
    "swin_small_patch4_window7_224": ("Swin-S", 8.741, 49.606258),
    "resnet18_224": ("ResNet18", 1.814, 11.689512),
    "mobilenet_v2_224": ("MobileNetV2", 0.301, 3.504872),
    "vgg16": ("VGG16", 15.47, 138.357544),
    "vgg16_bn": ("VGG16 with batch norm", 15.47, 138.365992),
}
DESIGNS = ["reference-8x8", "reference-16x16", "reference-32x32"]


def answer(program, *arguments):
    run = subprocess.run([program, *arguments, "--format", "json"], check=True, stdout=subprocess.PIPE)
    return json.loads(run.stdout)


def main():
    nets = pathlib.Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else "bitgauge"
    designs = pathlib.Path(__file__).parents[2] / "designs"
    data = str(nets / "images_224.toml")
    counts, runs = [], []
    for file, (name, macs, parameters) in NETWORKS.items():
        model, codes = nets / f"{file}.onnx", nets / f"{file}.bgq"
        if sys.argv[3:] and file not in sys.argv[3:]:
            continue
        made = answer(program, "quantize", "--model", str(model), "--data", data, "--output", str(codes))
        found = made["macs"] / 1e9, made["parameters"] / 1e6
        off = [100 * (ours / published - 1) for ours, published in zip(found, (macs, parameters))]
        counts.append(
            f"| {name} | {found[0]:.4f} | {macs:g} | {off[0]:+.2f} % | {found[1]:.3f} | {parameters:.6g} "
            f"| {off[1]:+.2f} % |"
        )
        for design in DESIGNS:
            report = nets / f"report-{file}-{design}"
            accelerator = str(designs / f"{design}.toml")
            done = answer(
                program, "run", "--quantized", str(codes), "--data", data, "--accelerator", accelerator,
                "--images", "1", "--output", str(report),
            )
            head = done["headline"]
            runs.append(
                f"| {name} | {design} | {head['cycles']:,} | {head['milliseconds']:.2f} "
                f"| {100 * (head['cycles'] / head['bound_cycles'] - 1):.0f} % | {head['bus_bytes'] / 1e6:.1f} "
                f"| {head['picojoules'] * 1e-9:.2f} | {100 * head['mac_utilization']:.1f} % "
                f"| {done['compared_bytes']} |"
            )
            print(runs[-1], file=sys.stderr, flush=True)
    print("| network | 10⁹ MACs | published | off | 10⁶ parameters | published | off |")
    print("| --- | --- | --- | --- | --- | --- | --- |", *counts, sep="\n")
    print()
    print("| network | design | cycles | ms | above the bound | MB on the bus | mJ | use of the array | bytes equal |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |", *runs, sep="\n")


if __name__ == "__main__":
    main()
