"""When the workflow started, when it has to end, and what it proposes in until then."""

import time
from collections.abc import Sequence
from typing import get_args

from picking.data_in.inventory import Split
from picking.files.progress import Clock
from picking.workflow.batches import Batch

SECONDS_AN_HOUR = 3600


def started_clock(batches: Sequence[Batch], hours: float | None) -> Clock:
    """Make the clock of a workflow that starts now.

    Parameters
    ----------
    batches : sequence of Batch
        Runs that are proposed in one job, every run once.
    hours : float or None
        After how many hours the result has to be there; None: whenever.
    """
    now = time.time()
    splits: tuple[Split, ...] = get_args(Split)
    return Clock(
        started=now,
        deadline=None if hours is None else now + hours * SECONDS_AN_HOUR,
        batches={
            split: {
                run: batch.number for batch in batches if batch.split == split for run in batch.runs
            }
            for split in splits
        },
    )
