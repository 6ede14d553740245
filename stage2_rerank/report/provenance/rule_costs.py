"""What jobs cost: Snakemake's benchmarks, summed up by rule."""

import csv
import math
from collections import defaultdict
from pathlib import Path

from pydantic import Field

from picking.config.strict_model import StrictModel


class RuleCost(StrictModel):
    """Time and memory of one rule, over the jobs that left a benchmark."""

    jobs: int
    seconds: float = Field(description="sum of wall times")
    cpu_seconds: float | None = Field(description="sum of CPU times; null: none was measured")
    max_rss_mb: float | None = Field(
        description="largest resident memory of a job, MB; null: none was measured"
    )


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
