"""What jobs cost: Snakemake's benchmarks, summed up by rule."""

import csv
import math
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.workflow.batches import known_batches


class RuleCost(StrictModel):
    """Time and memory of one rule, over the jobs that left a benchmark."""

    jobs: int
    seconds: float = Field(description="sum of wall times")
    cpu_seconds: float | None = Field(description="sum of CPU times; null: none was measured")
    max_rss_mb: float | None = Field(
        description="largest resident memory of a job, MB; null: none was measured"
    )


def jobs_of_result(
    results: Path,
    runs: Collection[str],
    particle_types: Collection[str],
    members: Collection[str],
    folds: int,
) -> set[str]:
    """Name the jobs that a result is made of, as its benchmarks do.

    Parameters
    ----------
    results : Path
        Folder of the result, which says in which batches the runs are.
    runs : collection of str
        Training runs, and the test runs that are shown.
    particle_types, members : collection of str
        Types that are picked, and members of the ensemble.
    folds : int
        Number of folds.
    """
    batches = known_batches(results)
    return {
        *runs,
        *particle_types,
        *(f"{member}-fold{fold}" for member in members for fold in range(folds)),
        *(f"batch{batches[run].number}" for run in runs if run in batches),
    }


def rule_costs(folder: Path, counted: Collection[str]) -> dict[str, RuleCost]:
    """Sum up the benchmarks of every rule.

    Parameters
    ----------
    folder : Path
        ``results/NAME/benchmarks``; it may be missing. Holds ``RULE.tsv`` or ``RULE/JOB.tsv``.
    counted : collection of str
        Names of :func:`jobs_of_result`. Those of runs, members and batches that are gone may have
        left benchmarks, which do not count.

    Returns
    -------
    dict of str to RuleCost
        By rule. What is no benchmark, or lacks a wall time, is passed over: a report does not fail
        for it.
    """
    jobs: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path in sorted(Path(folder).rglob("*.tsv")):
        rule, *job = path.relative_to(folder).with_suffix("").parts
        if job and job[-1] not in counted:
            continue
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
