"""What one batch of runs leaves behind in a stage: digests of what was written for every run.

The workflow knows a batch by this file. Its content changes only with what was written, so that
making the same again sets nothing else going.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.files.json_models import StoredModel

# The halves of a data set, each a copick project of a result: runs with picks to learn from, and
# runs to pick.
Split = Literal["train", "test"]
# Folders of a result that hold one file for each run, and the files' ending.
Folders = Mapping[str, str]
PROPOSAL_FOLDERS: Folders = {
    "candidates": ".parquet",
    "embeddings": ".parquet",
    "score_maps": ".npz",
}
FEATURE_FOLDERS: Folders = {"features": ".parquet"}


def record_name(number: int) -> str:
    """Name of a batch's record in the folder of its stage."""
    return f"batch{number}.json"


def run_files(folders: Folders, results: Path, run: str) -> dict[str, Path]:
    """Files that a stage writes for a run, by the folder of the result that holds them."""
    return {folder: Path(results) / folder / f"{run}{ending}" for folder, ending in folders.items()}


def proposal_files(results: Path, run: str) -> dict[str, Path]:
    """Files that stage 1 writes for a run."""
    return run_files(PROPOSAL_FOLDERS, results, run)


def feature_file(results: Path, run: str) -> Path:
    """Feature table of a run."""
    return run_files(FEATURE_FOLDERS, results, run)["features"]


def file_digests(folders: Folders, results: Path, run: str) -> dict[str, str]:
    """SHA-256 of the files of a run, by folder.

    Raises
    ------
    FileNotFoundError
        If one is not there.
    """
    return {
        folder: hashlib.sha256(path.read_bytes()).hexdigest()
        for folder, path in run_files(folders, results, run).items()
    }


class FailedRun(StrictModel):
    """A run that was left out."""

    reason: str = Field(description="what is wrong with it, as a person is told")
    tomogram: str = Field(
        "",
        description="digest of its tomogram's files, by which a mended one is noticed; empty: the "
        "next start tries again, whether it has changed or not",
    )


class BatchRecord(StoredModel):
    """The runs of one batch."""

    PROBLEM = "is not a record of a batch"
    IF_MISSING = "make the batch first"

    split: Split = Field(description="copick project that holds the runs")
    made_from: str = Field(
        "", description="digest of what all batches of the split are made from, but for tomograms"
    )
    runs: dict[str, dict[str, str]] = Field(
        description="for each run the SHA-256 of its file in each folder of the stage"
    )
    tomograms: dict[str, str] = Field(
        default_factory=dict,
        description="stamps of the runs' tomograms, by which a replaced one is noticed",
    )
    failed: dict[str, FailedRun] = Field(
        default_factory=dict, description="runs that were left out (on_error: skip)"
    )
    fewer_passes: dict[str, int] = Field(
        default_factory=dict,
        description="passes of the runs that had fewer than the configuration asks for, to be done "
        "in time (hours)",
    )


def last_records(paths: Iterable[Path]) -> dict[str, BatchRecord]:
    """Read records, and find for every run the one that counts.

    A run that is worked on again, because it was mended or has lost a file, is in a batch of a
    higher number then: the last record that names it has the last word.

    Parameters
    ----------
    paths : iterable of Path
        Records of one stage, by the number of their batch.

    Returns
    -------
    dict of str to BatchRecord
        By run, finished or failed.

    Raises
    ------
    InputError
        If a record is missing or damaged.
    """
    records: dict[str, BatchRecord] = {}
    for path in paths:
        record = BatchRecord.read(path)
        records |= dict.fromkeys((*record.runs, *record.failed), record)
    return records
