"""Measure stage 1 on this processor as it is, and as if it had a narrower instruction set.

Runs `benchmarks/stage1.py`, prediction and training, with oneDNN and torch capped to AVX2 (a
laptop), to AVX-512 without bfloat16, and as the processor is; what the processor lacks is left out.
Prints a table in Markdown; the last line is one JSON object: for each cap the figures of both.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

STAGE1 = Path(__file__).resolve().with_name("stage1.py")
# oneDNN's and torch's own names of instruction sets, and the processor's flag that each needs.
CAPS = {
    "AVX2": ("AVX2", "avx2", "avx2"),
    "AVX-512": ("AVX512_CORE", "avx512", "avx512_f"),
    "all there is": (None, None, None),
}
# Trainings run side by side, one core each; a prediction is timed on two.
TRAINING_THREADS, PREDICTION_THREADS = 1, 2


def measured(cap: str, *arguments: str) -> dict[str, float | str]:
    onednn, torchs, _ = CAPS[cap]
    environment = dict(os.environ)
    if onednn and torchs:
        environment |= {"ONEDNN_MAX_CPU_ISA": onednn, "ATEN_CPU_CAPABILITY": torchs}
    done = subprocess.run(
        [sys.executable, STAGE1, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    return figures


def table(results: dict[str, dict[str, dict[str, float | str]]]) -> str:
    """One line for each instruction set; millions of voxels a second."""
    lines = [
        "| instruction set | precision | training: plain | before | ours | prediction: plain "
        "| before | ours | full size, one pass, s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cap, figures in results.items():
        cells = [cap, str(figures["training"]["precision"])]
        for task in ("training", "prediction"):
            cells += [
                f"{float(figures[task][f'{way}voxels_per_s']) / 1e6:.2f}"
                for way in ("plain_", "before_", "")
            ]
        cells.append(str(figures["prediction"]["seconds_full_size"]))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", default="20", help="of a training")
    parser.add_argument("--repeats", default="2", help="of the predictions")
    arguments = parser.parse_args(argv)
    flags = torch.cpu.get_capabilities()
    results = {}
    for cap, (_, _, flag) in CAPS.items():
        if flag is not None and not flags.get(flag):
            print(f"this processor has no {cap}", file=sys.stderr)
            continue
        training = ["--train", "--threads", str(TRAINING_THREADS), "--steps", arguments.steps]
        prediction = ["--threads", str(PREDICTION_THREADS), "--repeats", arguments.repeats]
        results[cap] = {
            "training": measured(cap, *training),
            "prediction": measured(cap, *prediction),
        }
    print(table(results))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
