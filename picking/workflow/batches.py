"""Batches: which runs one job of the rule ``propose`` takes, one after the other.

Which run is in which batch is kept in a file of the result: a cluster's jobs, which read the
Snakefile again while records come and go, find the same batches there as the workflow that started
them.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.data_in.inventory import Split
from picking.files.batch_record import record_name
from picking.files.json_models import StoredModel

# Folders of the stages' records.
PROPOSALS_FOLDER = "proposals"
FEATURES_FOLDER = "features"
RECORD_NAME = re.compile(r"batch(\d+)\.json")


@dataclass(frozen=True)
class Batch:
    """Runs of one copick project that are proposed in one job."""

    number: int
    split: Split
    runs: tuple[str, ...]


class BatchOfRun(StrictModel):
    """Where a run is proposed."""

    number: int = Field(ge=0, description="of its batch")
    split: Split = Field(description="copick project that holds the run")


class BatchPlan(StoredModel):
    """The file that keeps which run is in which batch."""

    PROBLEM = "does not say which run is in which batch"
    IF_MISSING = "start again"

    runs: dict[str, BatchOfRun] = Field(description="by name; also runs that nobody asks for now")


def plan_batches(
    wanted: Mapping[Split, Sequence[str]],
    known: Mapping[str, BatchOfRun],
    lost: Collection[str],
    runs_per_job: int,
    first_free: int = 0,
) -> tuple[Batch, ...]:
    """Put every run into a batch.

    A run stays in the batch that first proposed it, so that further runs, or batches of another
    size, propose no run again. The others form new batches under numbers that were never used: a
    number whose record is there would pass for finished.

    Parameters
    ----------
    wanted : mapping of Split to sequence of str
        Runs to propose in, by the copick project that holds them; no run twice.
    known : mapping of str to BatchOfRun
        Runs that are in a batch already.
    lost : collection of str
        Runs whose batch is finished, but which have since lost what was written for them.
    runs_per_job : int
        Most runs of a new batch.
    first_free : int
        Lowest number of a new batch, see :func:`first_free_number`.

    Returns
    -------
    tuple of Batch
        Every wanted run once, by number; batches without a wanted run are left out.
    """
    runs_of: dict[tuple[int, Split], list[str]] = {}
    free = max([first_free, *(batch.number + 1 for batch in known.values())])
    for split, runs in wanted.items():
        left = []
        for run in runs:
            batch = known.get(run)
            if batch is None or batch.split != split or run in lost:
                left.append(run)
            else:
                runs_of.setdefault((batch.number, split), []).append(run)
        for first in range(0, len(left), runs_per_job):
            runs_of[free, split] = left[first : first + runs_per_job]
            free += 1
    return tuple(
        Batch(number, split, tuple(runs)) for (number, split), runs in sorted(runs_of.items())
    )


def known_batches(results: Path) -> dict[str, BatchOfRun]:
    """Read which run is in which batch; nothing where the result is not there yet.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    path = _plan_path(results)
    return dict(BatchPlan.read(path).runs) if path.exists() else {}


def first_free_number(results: Path) -> int:
    """Find the number above those of all records, also of records that no plan knows any more."""
    folder = Path(results) / PROPOSALS_FOLDER
    names = (RECORD_NAME.fullmatch(path.name) for path in folder.glob("batch*.json"))
    return max((int(name.group(1)) + 1 for name in names if name), default=0)


def keep_batches(results: Path, known: Mapping[str, BatchOfRun], batches: Sequence[Batch]) -> None:
    """Write which run is in which batch; runs that nobody asks for now keep theirs."""
    runs = dict(known) | {
        run: BatchOfRun(number=batch.number, split=batch.split)
        for batch in batches
        for run in batch.runs
    }
    if runs != known:
        BatchPlan(runs=runs).write(_plan_path(results))


def record_path(results: Path, number: int, folder: str = PROPOSALS_FOLDER) -> Path:
    """Record of a finished batch (:class:`picking.files.batch_record.BatchRecord`) in a stage."""
    return Path(results) / folder / record_name(number)


def _plan_path(results: Path) -> Path:
    return Path(results) / PROPOSALS_FOLDER / "batches.json"
