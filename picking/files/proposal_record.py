"""What one batch of proposals leaves behind: its runs, and digests of what was written for them.

The workflow knows a batch by this file. Its content changes only with what was written, so that
proposing the same again measures nothing again.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from picking.files.json_models import StoredModel

# Folders of a result that hold one file for each run, and the files' ending.
PER_RUN_FOLDERS = {"candidates": ".parquet", "embeddings": ".parquet", "score_maps": ".npz"}


def proposal_files(results: Path, run: str) -> dict[str, Path]:
    """Files that are written for a run, by the folder of the result that holds them."""
    return {
        folder: Path(results) / folder / f"{run}{ending}"
        for folder, ending in PER_RUN_FOLDERS.items()
    }


class ProposalRecord(StoredModel):
    """The runs of one batch."""

    PROBLEM = "is not a record of proposals"
    IF_MISSING = "propose first"

    split: Literal["train", "test"] = Field(description="copick project that holds the runs")
    runs: dict[str, dict[str, str]] = Field(
        description="for each run the SHA-256 of its file in each folder of PER_RUN_FOLDERS"
    )

    @classmethod
    def of_files(
        cls, split: Literal["train", "test"], results: Path, runs: Sequence[str]
    ) -> "ProposalRecord":
        """Make the record of files that have been written."""
        return cls(
            split=split,
            runs={
                run: {
                    folder: hashlib.sha256(path.read_bytes()).hexdigest()
                    for folder, path in proposal_files(results, run).items()
                }
                for run in runs
            },
        )
