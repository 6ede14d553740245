"""How far the proposals of a result are, over all jobs that work on them."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from picking.errors import InputError
from picking.files.batch_record import BatchRecord, Split, proposal_files
from picking.files.json_models import StoredModel
from picking.files.unfinished_batch import UNFINISHED, FinishedRuns


class Clock(StoredModel):
    """Written at the start of a workflow; times in seconds since 1970, by this machine's clock."""

    PROBLEM = "does not say when the workflow started"
    IF_MISSING = "start the workflow"

    started: float = Field(description="time of the start")
    deadline: float | None = Field(description="when the result has to be there; null: whenever")
    runs: dict[Split, tuple[str, ...]] = Field(
        description="runs to propose in, by copick project, finished ones included"
    )


@dataclass(frozen=True)
class Progress:
    """How far all jobs together are.

    Parameters
    ----------
    done : int
        Runs that are finished or left out.
    finished_since : int
        Runs that were finished since a time.
    passes_since : int
        Passes over the tomograms of these.
    """

    done: int
    finished_since: int
    passes_since: int


def progress_of(
    results: Path,
    records: Path,
    runs: Collection[str],
    made_from: str,
    passes: int,
    since: float,
) -> Progress:
    """Count what is done in all batches, finished or not.

    Parameters
    ----------
    results : Path
        Folder of the result.
    records : Path
        Folder with the batches' records.
    runs : collection of str
        Runs that count.
    made_from : str
        Digest of what is proposed from: what was made from something else counts nothing, it is
        going to be made again.
    passes : int
        Passes over a tomogram, where the record does not say otherwise.
    since : float
        Time since which passes count, seconds since 1970.

    Returns
    -------
    Progress
    """
    finished: dict[str, int] = {}
    left_out: set[str] = set()
    for path in Path(records).glob("batch*.json"):
        is_unfinished = path.stem.endswith(UNFINISHED)
        try:
            content = (FinishedRuns if is_unfinished else BatchRecord).read(path)
        except InputError:
            continue  # another file, or one that another job has just replaced
        if content.made_from != made_from:
            continue
        finished |= {run: content.fewer_passes.get(run, passes) for run in content.runs}
        if isinstance(content, BatchRecord):
            left_out |= content.failed.keys()
    wanted = set(runs)
    recent = [
        number
        for run, number in finished.items()
        if run in wanted and _time_of(proposal_files(results, run)["candidates"]) >= since
    ]
    return Progress(
        done=len(wanted & (finished.keys() | left_out)),
        finished_since=len(recent),
        passes_since=sum(recent),
    )


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return -math.inf
