"""A batch that is being worked on: a job that was killed goes on where it was.

What is finished of the batch is listed, run by run, beside the record that is written at the end,
with a digest of all that it is made from: after a change nothing of it counts.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import Field

from picking.errors import InputError
from picking.files.batch_record import BatchRecord, FailedRun, Folders, Split, file_digests
from picking.files.json_models import StoredModel

# Between a record's name and its ending.
UNFINISHED = ".unfinished"


class FinishedRuns(StoredModel):
    """The runs of a batch that are finished."""

    PROBLEM = "does not list the finished runs of a batch"
    IF_MISSING = "make the batch again"

    made_from: str = Field(description="digest of what the runs' files are made from")
    runs: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="digests of their files, as in the batch's record"
    )
    tomograms: dict[str, str] = Field(default_factory=dict, description="as in the record")
    fewer_passes: dict[str, int] = Field(default_factory=dict, description="as in the record")


def unfinished_path(record: Path) -> Path:
    """File beside a batch's record that lists its finished runs until the record is there."""
    return record.with_name(f"{record.stem}{UNFINISHED}{record.suffix}")


def files_digest(paths: Iterable[Path], *further: str) -> str:
    """SHA-256 of files' contents and of further text."""
    digest = hashlib.sha256()
    for part in (
        *(Path(path).read_bytes() for path in paths),
        *(text.encode() for text in further),
    ):
        # Their lengths keep the parts apart.
        digest.update(f"{len(part)}:".encode())
        digest.update(part)
    return digest.hexdigest()


class UnfinishedBatch:
    """The runs of a batch, one after the other.

    Parameters
    ----------
    record : Path
        Record to write at the end.
    split : {"train", "test"}
        copick project that holds the runs.
    folders : mapping of str to str
        Folders that the stage writes to.
    results : Path
        Folder of the result.
    made_from : str
        Digest of what the files are made from (:func:`files_digest`), but for the tomograms.
    tomograms : mapping of str to str
        Present stamps of the runs' tomograms, taken before they are read; empty where there is
        none.
    """

    def __init__(
        self,
        record: Path,
        split: Split,
        folders: Folders,
        results: Path,
        made_from: str,
        tomograms: Mapping[str, str],
    ) -> None:
        self._tomograms = tomograms
        self._made_from = made_from
        self._record = Path(record)
        self._path = unfinished_path(self._record)
        self._split = split
        self._folders = folders
        self._results = results
        self._finished = self._finished_before()
        self._failed: dict[str, FailedRun] = {}

    def left(self, runs: Sequence[str]) -> list[str]:
        """List the runs that are yet to be worked on."""
        return [run for run in runs if run not in self._finished.runs]

    def finish(self, run: str, fewer_passes: int | None = None) -> None:
        """Note that the files of a run are written; ``fewer_passes`` as in the record."""
        self._finished.runs[run] = file_digests(self._folders, self._results, run)
        self._finished.tomograms[run] = self._tomograms.get(run, "")
        if fewer_passes is not None:
            self._finished.fewer_passes[run] = fewer_passes
        self._finished.write(self._path)

    def fail(self, run: str, failed: FailedRun) -> None:
        """Note that a run is left out."""
        self._failed[run] = failed

    def close(self) -> None:
        """Write the record of the batch."""
        BatchRecord(
            split=self._split,
            made_from=self._made_from,
            tomograms=dict(sorted(self._finished.tomograms.items())),
            runs=dict(sorted(self._finished.runs.items())),
            failed=dict(sorted(self._failed.items())),
            fewer_passes=dict(sorted(self._finished.fewer_passes.items())),
        ).write(self._record)
        self._path.unlink(missing_ok=True)

    def _finished_before(self) -> FinishedRuns:
        """Read what an interrupted job has finished, as far as it is as it was left."""
        new = FinishedRuns(made_from=self._made_from)
        try:
            before = FinishedRuns.read(self._path)
        except InputError:
            return new
        if before.made_from != self._made_from:
            return new
        for run, digests in before.runs.items():
            if before.tomograms.get(run) != self._tomograms.get(run, ""):
                continue
            try:
                if file_digests(self._folders, self._results, run) != digests:
                    continue
            except OSError:
                continue
            new.runs[run] = digests
            new.tomograms[run] = before.tomograms[run]
            if run in before.fewer_passes:
                new.fewer_passes[run] = before.fewer_passes[run]
        return new
