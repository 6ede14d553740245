"""Snakemake in processes forked from one that has imported it: a dry run takes a third of the time.

For many dry runs; what they print is kept, as a person sees it.
"""

import multiprocessing
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["snakemake.cli", "picking.workflow.make_plan"])
SECONDS = 600.0


@dataclass(frozen=True)
class Planned:
    returncode: int | None
    said: str


def dry_run(folder: Path, command: str) -> Planned:
    """Plan what a command beginning with "snakemake" would do in a folder."""
    program, *words = shlex.split(command)
    assert program == "snakemake"
    said = folder / "dry-run.txt"
    process = CONTEXT.Process(target=_dry_run, args=(folder, words, said))
    process.start()
    process.join(SECONDS)
    process.kill()
    process.join()
    return Planned(process.exitcode, said.read_text(encoding="utf-8"))


def _dry_run(folder: Path, words: list[str], said: Path) -> None:
    from snakemake.cli import main

    os.chdir(folder)
    with said.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.argv = ["snakemake", *words, "--dry-run", "--quiet"]
    main()
