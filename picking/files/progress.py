"""How far the proposals of a result are, over all jobs that work on them."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from picking.errors import InputError
from picking.files.batch_record import BatchRecord
from picking.files.json_models import StoredModel
from picking.files.unfinished_batch import UNFINISHED, FinishedRuns


class Clock(StoredModel):
    """Written at the start of a workflow; times in seconds since 1970, by this machine's clock."""

    PROBLEM = "does not say when the workflow started"
    IF_MISSING = "start the workflow"

    started: float = Field(description="time of the start")
    deadline: float | None = Field(description="when the result has to be there; null: whenever")
    runs: tuple[str, ...] = Field(description="runs to propose in, finished ones included")
    done_before: int = Field(ge=0, description="runs that were finished at the start")
    passes_before: int = Field(ge=0, description="passes over the tomograms of these")


@dataclass(frozen=True)
class Progress:
    """How far all jobs together are.

    Parameters
    ----------
    done : int
        Runs that are finished or left out.
    passes : int
        Passes over the tomograms of those that are finished.
    """

    done: int
    passes: int


def progress_of(records: Path, runs: Collection[str], passes: int) -> Progress:
    """Count what is done in all batches, finished or not.

    Parameters
    ----------
    records : Path
        Folder with the batches' records.
    runs : collection of str
        Runs that count.
    passes : int
        Passes over a tomogram, where the record does not say otherwise.

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
        finished |= {run: content.fewer_passes.get(run, passes) for run in content.runs}
        if isinstance(content, BatchRecord):
            left_out |= content.failed.keys()
    wanted = set(runs)
    return Progress(
        done=len(wanted & (finished.keys() | left_out)),
        passes=sum(number for run, number in finished.items() if run in wanted),
    )
