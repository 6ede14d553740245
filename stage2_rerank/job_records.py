"""What jobs left behind about themselves: Snakemake's benchmarks, and the trainings' last lines."""

import csv
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from picking.config.strict_model import StrictModel

# The last line of ``python -m stage1_proposals.train``; a progress bar may stand before it.
TRAINING_LINE = re.compile(
    r"stage 1, (?P<encoder>[^,\r\n]+), fold (?P<fold>\d+), seed (?P<seed>\d+): "
    r"(?P<steps>\d+) steps on (?P<runs>\d+) runs, (?P<device>[^,\r\n]+), "
    r"(?:torch\.)?(?P<precision>\w+), (?P<seconds>\d+) s\b"
)


class RuleCost(StrictModel):
    """Time and memory of one rule, over the jobs that left a benchmark."""

    jobs: int
    seconds: float = Field(description="sum of wall times")
    cpu_seconds: float | None = Field(description="sum of CPU times; null: none was measured")
    max_rss_mb: float | None = Field(
        description="largest resident memory of a job, MB; null: none was measured"
    )


class Training(StrictModel):
    """One training of stage 1, as it reported itself."""

    encoder: str
    fold: int
    seed: int
    steps: int
    runs: int = Field(description="training runs that it learnt from")
    device: str = Field(description="cpu, cuda, ...")
    precision: str = Field(description="dtype of the network's passes")
    seconds: float = Field(description="of the process that ended it, not of interrupted ones")


def rule_costs(folder: Path) -> dict[str, RuleCost]:
    """Sum up the benchmarks of every rule.

    Parameters
    ----------
    folder : Path
        ``results/NAME/benchmarks``; it may be missing. Holds ``RULE.tsv`` or ``RULE/JOB.tsv``.

    Returns
    -------
    dict of str to RuleCost
        By rule. What is no benchmark, or lacks a wall time, is passed over: a report does not fail
        for it.
    """
    jobs: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path in sorted(Path(folder).rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        jobs[rule] += [row for row in _rows(path) if _number(row, "s") is not None]
    return {rule: _cost(rows) for rule, rows in sorted(jobs.items()) if rows}


def read_trainings(logs: Sequence[Path]) -> tuple[Training, ...]:
    """Read what the trainings said at their end.

    Parameters
    ----------
    logs : sequence of Path
        ``results/NAME/logs/train_member/*.txt``. Logs without such a line are passed over.

    Returns
    -------
    tuple of Training
        By encoder, seed and fold.
    """
    trainings = []
    for path in logs:
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found = list(TRAINING_LINE.finditer(text))
        if found:
            trainings.append(Training.model_validate(found[-1].groupdict()))
    return tuple(sorted(trainings, key=lambda item: (item.encoder, item.seed, item.fold)))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    # An odd row may be shorter or longer than the header.
    rows = csv.DictReader(text.splitlines(), delimiter="\t", restval="", restkey="")
    return [{key: str(value) for key, value in row.items()} for row in rows]


def _number(row: dict[str, str], column: str) -> float | None:
    """Value of a column; None where it is missing, as in jobs too short to be measured."""
    try:
        value = float(row.get(column, ""))
    except ValueError:
        return None  # "-" or "NA"
    return value if math.isfinite(value) else None


def _cost(rows: list[dict[str, str]]) -> RuleCost:
    cpu = [value for row in rows if (value := _number(row, "cpu_time")) is not None]
    memory = [value for row in rows if (value := _number(row, "max_rss")) is not None]
    return RuleCost(
        jobs=len(rows),
        seconds=math.fsum(float(row["s"]) for row in rows),
        cpu_seconds=math.fsum(cpu) if cpu else None,
        max_rss_mb=max(memory, default=None),
    )
