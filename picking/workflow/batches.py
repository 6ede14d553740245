"""Batches: which runs one job of the rule ``propose`` takes, one after the other."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from picking.data_in.inventory import Split
from picking.files.proposal_record import ProposalRecord, proposal_files

RECORD_NAME = re.compile(r"batch(\d+)\.json")


@dataclass(frozen=True)
class Batch:
    """Runs of one copick project that are proposed in one job."""

    number: int
    split: Split
    runs: tuple[str, ...]


def plan_batches(
    wanted: Mapping[Split, Sequence[str]],
    recorded: Mapping[int, ProposalRecord],
    runs_per_job: int,
) -> tuple[Batch, ...]:
    """Put every run into a batch.

    A run stays in the batch that first proposed it, so that further runs, or batches of another
    size, propose no run again. The others form new batches, under the lowest numbers that are
    free: a plan that is made again while its batches are being worked on is the same.

    Parameters
    ----------
    wanted : mapping of "train" or "test" to sequence of str
        Runs to propose in, by the copick project that holds them; no run twice.
    recorded : mapping of int to ProposalRecord
        Batches that are finished, by number.
    runs_per_job : int
        Most runs of a new batch.

    Returns
    -------
    tuple of Batch
        Every wanted run once; batches without a wanted run are left out.
    """
    batches = []
    placed: set[str] = set()
    for number, record in sorted(recorded.items()):
        runs = [run for run in wanted[record.split] if run in record.runs and run not in placed]
        placed.update(runs)
        if runs:
            batches.append(Batch(number, record.split, tuple(runs)))
    free = (number for number in count() if number not in recorded)
    for split, runs_of_split in wanted.items():
        left = [run for run in runs_of_split if run not in placed]
        batches += [
            Batch(next(free), split, tuple(left[first : first + runs_per_job]))
            for first in range(0, len(left), runs_per_job)
        ]
    return tuple(batches)


def recorded_batches(results: Path) -> dict[int, ProposalRecord]:
    """Read the finished batches of a result, without the runs that have since lost a file.

    Parameters
    ----------
    results : Path
        Folder of the result; it may not be there yet.

    Raises
    ------
    InputError
        If a record is damaged.
    """
    recorded = {}
    for path in (Path(results) / "proposals").glob("batch*.json"):
        named = RECORD_NAME.fullmatch(path.name)
        if named is None:
            continue
        record = ProposalRecord.read(path)
        whole = {
            run: digests
            for run, digests in record.runs.items()
            if all(file.is_file() for file in proposal_files(results, run).values())
        }
        recorded[int(named.group(1))] = record.model_copy(update={"runs": whole})
    return recorded
