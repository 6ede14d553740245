"""How far the proposals of a result are, over all jobs that work on them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from picking.errors import InputError
from picking.files.batch_record import BatchRecord, Split, proposal_files, record_name
from picking.files.json_models import StoredModel
from picking.files.unfinished_batch import FinishedRuns, unfinished_path


class Clock(StoredModel):
    """Written at the start of a workflow; times in seconds since 1970, by this machine's clock."""

    PROBLEM = "does not say when the workflow started"
    IF_MISSING = "start the workflow"

    started: float = Field(description="time of the start")
    deadline: float | None = Field(description="when the result has to be there; null: whenever")
    batches: dict[Split, dict[str, int]] = Field(
        description="runs to propose in, finished ones included, by copick project: the numbers of "
        "their batches"
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
    batches: Mapping[str, int],
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
    batches : mapping of str to int
        The runs that count, and in which batch: an older one of a run that is worked on again
        counts nothing.
    made_from : str
        Digest of what is proposed from: what was made from something else counts nothing.
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
    for number in set(batches.values()):
        record = Path(records) / record_name(number)
        for path, kind in ((record, BatchRecord), (unfinished_path(record), FinishedRuns)):
            try:
                content = kind.read(path)
            except InputError:
                continue  # not there yet, or another job is just replacing it
            if content.made_from != made_from:
                continue
            here = {run for run in content.runs if batches.get(run) == number}
            finished |= {run: content.fewer_passes.get(run, passes) for run in here}
            if isinstance(content, BatchRecord):
                left_out |= {run for run in content.failed if batches.get(run) == number}
            break
    recent = [
        number
        for run, number in finished.items()
        if _time_of(proposal_files(results, run)["candidates"]) >= since
    ]
    return Progress(
        done=len(finished.keys() | left_out),
        finished_since=len(recent),
        passes_since=sum(recent),
    )


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return -math.inf
