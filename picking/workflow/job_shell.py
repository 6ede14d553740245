"""What comes before every job's command."""

import shlex
import sys
from pathlib import Path


def job_prefix(checkout: str | Path, python: str | Path = sys.executable) -> str:
    """Shell commands that make a job run this checkout's code, in this interpreter.

    A prefix takes the place of Snakemake's own, which makes a pipe fail with its first command.
    Snakemake sets the number of threads of numerical libraries to a job's share of ``--cores``, so
    that a result could depend on it; here it is one. A job that wants several threads says so by an
    argument of its own.

    Parameters
    ----------
    checkout : str or Path
        Folder of the Snakefile: its packages come before any that are installed.
    python : str or Path
        The interpreter that a job's ``python`` is, whatever PATH says.

    Returns
    -------
    str
        With braces doubled, as Snakemake formats commands.
    """
    folder, packages = (
        shlex.quote(str(path)).replace("{", "{{").replace("}", "}}")
        for path in (Path(python).parent, checkout)
    )
    threads = " ".join(f"{name}_NUM_THREADS=1" for name in ("OMP", "OPENBLAS", "MKL"))
    return (
        "set -euo pipefail; "
        f"export {threads}; "
        f"export PATH={folder}:$PATH; "
        f"export PYTHONPATH={packages}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
    )
