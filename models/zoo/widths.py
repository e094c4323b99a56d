"""What bits are worth on which array: the page docs/reference/widths.md, from the shipped models.

    python models/zoo/widths.py [program] > docs/reference/widths.md

Runs both models at 8 to 2 bits on designs of the same peak, 256 multiply-accumulates a cycle at 8 bits. Elements are
priced by `bitgauge calibrate-energy`, which needs Yosys and a cell library (docs/guide/calibration.md); without them
the program says what is missing.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).parents[2]
MODELS = {"vit_mnist": "ViT", "cnn_mnist": "CNN"}
DESIGNS = {
    "reference-16x16": "`fixed`, 8 bits, one lane, 16 x 16",
    "fixed-4-lanes-8x8": "`fixed`, 8 bits, four lanes, 8 x 8",
    "fixed-4-bit-16x16": "`fixed`, 4 bits, one lane, 16 x 16",
    "serial-8-bit-slices-16x8": "`serial` V16 S8, 16 x 8",
    "serial-16x16": "`serial` V64 S1, 16 x 16",
    "fusible-16x16": "`fusible`, 16 x 16",
}
BITS = [8, 7, 6, 5, 4, 3, 2]
FIXED = "reference-16x16"
# Components of result.json, in its order.
ARRAY, SCRATCHPADS, PARAMETERS, POST_VECTOR, EXTERNAL = range(5)


def call(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)


def bits_file(program, folder, model, bits):
    """Every layer and tensor at so many bits, the input too."""
    codes = folder / f"{model}-{bits}.bgq"
    call(program, "quantize", *source(model), "--weight-bits", bits, "--activation-bits", bits, "--output", codes)
    path = codes.with_suffix(".bits.toml")
    path.write_text(path.read_text().replace("\ninput = 8\n", f"\ninput = {bits}\n"))
    return path


def source(model):
    zoo = ROOT / "models/zoo"
    return "--model", zoo / f"{model}.onnx", "--data", zoo / "mnist.toml"


def run(program, folder, table, model, design, bits):
    narrow = design == "fixed-4-bit-16x16"
    if narrow and bits > 4:
        return None
    widths = ("--weight-bits", bits, "--activation-bits", bits)
    if narrow:
        widths = ("--bits", bits_file(program, folder, model, bits))
    report = folder / f"{model}-{design}-{bits}"
    accelerator = ROOT / "designs" / f"{design}.toml"
    call(
        program, "run", *source(model), "--accelerator", accelerator, *widths, "--energy", table,
        "--images", 1, "--output", report,
    )
    return json.loads((report / "result.json").read_text())


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(title, results, cell):
    print(f"\n{title}\n")
    print(row(["array", *(f"{bits} bits" for bits in BITS)]))
    print(row(["---"] * (1 + len(BITS))))
    for design, name in DESIGNS.items():
        print(row([name, *("" if results[design, bits] is None else cell(results[design, bits]) for bits in BITS)]))


def energy(result, parts):
    return sum(result["energy"]["components"][part] for part in parts) / 1e6


def busy(result, name="compute"):
    return next(unit["busy"] for unit in result["units"] if unit["unit"] == name)


def crossing(results, value):
    """From how many bits down each design is below the 8-bit multipliers."""
    found = []
    for design, name in DESIGNS.items():
        if design == FIXED:
            continue
        below = [
            bits for bits in BITS
            if results[design, bits] and value(results[design, bits]) < value(results[FIXED, bits])
        ]
        if not below:
            found.append(f"{name}: at no width")
        elif below == [bits for bits in BITS if results[design, bits]]:
            found.append(f"{name}: at every width it takes")
        else:
            found.append(f"{name}: at {', '.join(map(str, below))} bits")
    return "; ".join(found) + "."


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "bitgauge"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        measured = folder / "measured.toml"
        for design in DESIGNS:
            call(program, "calibrate-energy", ROOT / "designs" / f"{design}.toml", "--output", measured)
        page(program, folder, measured)


def areas(measured):
    units = {unit["module"]: unit["area_um2"] for unit in tomllib.loads(measured.read_text())["unit"]}
    whole = {}
    for design in DESIGNS:
        array = tomllib.loads((ROOT / "designs" / f"{design}.toml").read_text())["array"]
        lanes, operand, slices = array.get("lanes", 1), array.get("operand_bits", 8), array.get("slice_bits", 1)
        kind = {
            "fixed": f"fixed{operand}_v{lanes}",
            "serial": f"serial_v{lanes}_s{slices}",
            "fusible": "fusible",
        }[array.get("mac", "fixed")]
        whole[design] = units[f"pe_{kind}_acc32"] * array["rows"] * array["cols"] / 1e6
    print("\nElements of the array, mm2 of cells (180 nm), without feeders and wires:\n")
    print(row(["array", "mm2", "of the first"]))
    print(row(["---"] * 3))
    for design, name in DESIGNS.items():
        print(row([name, f"{whole[design]:.2f}", f"{whole[design] / whole[FIXED]:.2f}"]))


# Fixed multipliers of 8 bits and fused units of 8 down to 2 bits in the table behind Bit Fusion's simulator (Sharma et al.,
# ISCA 2018; 45 nm, 500 MHz): um2, and pJ of a product.
BIT_FUSION = {"fixed": (511, 0.203), "fused": (1735, 0.459)}


def literature(measured):
    """One element of each kind over the 8-bit multiplier, beside what is published."""
    units = {unit["module"]: unit for unit in tomllib.loads(measured.read_text())["unit"]}

    def product(unit, bits, activity):
        found = next(
            one for one in unit["rows"]
            if (one["activation_bits"], one["weight_bits"], one["activity"]) == (bits, bits, activity)
        )
        # The clock runs for the beats of a product.
        beats = found["picojoules_per_product"] / found["picojoules_per_beat"]
        return found["picojoules_per_product"] + beats * unit["clock_picojoules"]

    fixed = units["pe_fixed8_v1_acc32"]
    print("\nOne element over the 8-bit multiplier's, cells and picojoules of a product with its clock, activations half zero; dense:\n")
    print(row(["element", "area", *(f"energy at {bits} bits" for bits in (8, 4, 2))]))
    print(row(["---"] * 5))
    for module, name in {
        "pe_fusible_acc32": "`fusible`",
        "pe_serial_v16_s8_acc32": "`serial` V16 S8, 2 products a cycle at 8 bits",
        "pe_serial_v64_s1_acc32": "`serial` V64 S1",
    }.items():
        unit = units[module]
        energies = [
            "; ".join(
                f"{product(unit, bits, activity) / product(fixed, bits, activity):.2f}"
                for activity in ("half_zero_unsigned", "dense_signed")
            )
            for bits in (8, 4, 2)
        ]
        print(row([name, f"{unit['area_um2'] / fixed['area_um2']:.2f}", *energies]))
    (area, energy), (fused_area, fused_energy) = BIT_FUSION["fixed"], BIT_FUSION["fused"]
    print(
        f"\nPublished for Bit Fusion's fused unit over a fixed multiplier of 8 bits: {fused_area / area:.2f} times the area, "
        f"{fused_energy / energy:.2f} times the energy (the table behind its simulator, 45 nm). Here both elements have the "
        "same accumulator, its shadow and the registers that hand operands on, which brings the ratios down."
    )


def page(program, folder, measured):
    print("# Bits on six arrays")
    print("\n<!-- `python models/zoo/widths.py PROGRAM` writes this page. -->")
    print(
        "\nThe shipped models, weights and activations at one width, on arrays of 256 multiply-accumulates a cycle at "
        "8 bits (`fixed` of 4 bits: at up to 4). Cycles and bytes are exact. Picojoules of the array are measured on a "
        "180 nm library ([calibration](../guide/calibration.md)), all others are published 45 nm prices "
        "([energy](energy.md)): they stand apart, and their sum would say nothing."
    )
    areas(measured)
    literature(measured)
    for model, title in MODELS.items():
        results = {
            (design, bits): run(program, folder, measured, model, design, bits)
            for design in DESIGNS for bits in BITS
        }
        print(f"\n## {title}")
        table("Thousands of cycles:", results, lambda one: f"{one['headline']['cycles'] / 1e3:.1f}")
        table("Thousands of cycles that the array works:", results, lambda one: f"{busy(one) / 1e3:.1f}")
        table("Kilobytes on the bus:", results, lambda one: f"{one['headline']['bus_bytes'] / 1e3:.1f}")
        table("Array, uJ (measured, 180 nm):", results, lambda one: f"{energy(one, [ARRAY]):.1f}")
        table(
            "On chip beside the array, uJ (published, 45 nm):", results,
            lambda one: f"{energy(one, [SCRATCHPADS, PARAMETERS, POST_VECTOR]):.2f}",
        )
        table("External memory, uJ (published, 45 nm):", results, lambda one: f"{energy(one, [EXTERNAL]):.1f}")
        table("Top-1 of 500 images, %:", results, lambda one: f"{100 * one['accuracy']['integer_top1']:.1f}")
        print(f"\nFewer cycles than 8-bit multipliers of the same peak: {crossing(results, lambda one: one['headline']['cycles'])}")
        print(f"\nLess energy in the array: {crossing(results, lambda one: energy(one, [ARRAY]))}")
        first, last = results["serial-16x16", 8], results["serial-16x16", 4]
        print(
            f"\nFrom 8 to 4 bits the array of `serial` V64 S1 works {busy(first) / busy(last):.2f} times fewer cycles, "
            f"and the network takes {first['headline']['cycles'] / last['headline']['cycles']:.2f} times fewer. The vector "
            f"unit works {busy(first, 'vector') / 1e3:.1f} thousand cycles at 8 bits and {busy(last, 'vector') / 1e3:.1f} "
            f"at 4; the bus is busy for {100 * first['headline']['bus_occupancy']:.0f} % and "
            f"{100 * last['headline']['bus_occupancy']:.0f} % of the time."
        )


if __name__ == "__main__":
    main()
