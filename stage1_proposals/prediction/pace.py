"""How fast the runs are done, how long the rest takes, and how many passes there is time for."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from picking.files.batch_record import Split
from picking.files.progress import Clock, Progress, progress_of

# Share of the time that is kept for what comes after the last proposals.
RESERVE = 0.05
SECONDS_AN_HOUR = 3600
MINUTES_AN_HOUR = 60


class Pace:
    """The pace of a result's proposals, over all jobs that work on one of its copick projects.

    Parameters
    ----------
    clock : Clock or None
        When the workflow started, and how much it has to do; None for a command on its own.
    split : {"train", "test"}
        The copick project.
    results : Path
        Folder of the result.
    records : Path
        Folder with the records of finished and unfinished batches.
    made_from : str
        Digest of what is proposed from.
    planned : int
        Passes that a tomogram gets if there is time.
    now : callable
        Seconds since 1970.
    """

    def __init__(
        self,
        clock: Clock | None,
        split: Split,
        results: Path,
        records: Path,
        made_from: str,
        planned: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._batches = {} if clock is None else clock.batches[split]
        self._results = results
        self._records = records
        self._made_from = made_from
        self._planned = planned
        self._now = now

    def passes(self) -> int:
        """Count the passes that the next tomogram gets.

        As many as planned until the first tomograms are done; then as many as all that are left
        can have in the time that is left, at the rate so far.
        """
        clock = self._clock
        if clock is None or clock.deadline is None:
            return self._planned
        progress = self._progress(clock)
        now = self._now()
        if not progress.passes_since or now <= clock.started:
            return self._planned
        rate = progress.passes_since / (now - clock.started)
        reserve = RESERVE * (clock.deadline - clock.started)
        left = max(clock.deadline - reserve - now, 0.0)
        affordable = rate * left / max(len(self._batches) - progress.done, 1)
        return max(1, min(self._planned, math.floor(affordable)))

    def line(self) -> str:
        """Say how far the workflow is, how fast, and how long the rest takes."""
        clock = self._clock
        if clock is None:
            return "done"
        progress = self._progress(clock)
        line = f"{progress.done} of {len(self._batches)} tomograms"
        elapsed = self._now() - clock.started
        if not progress.finished_since or elapsed <= 0:
            return line
        rate = progress.finished_since / elapsed
        left = duration((len(self._batches) - progress.done) / rate)
        return f"{line}, {rate * SECONDS_AN_HOUR:.0f} an hour, {left} left"

    def _progress(self, clock: Clock) -> Progress:
        return progress_of(
            self._results,
            self._records,
            self._batches,
            self._made_from,
            self._planned,
            clock.started,
        )


def duration(seconds: float) -> str:
    """Write a time in hours and minutes, rounded up."""
    minutes = math.ceil(seconds / 60)
    if minutes < MINUTES_AN_HOUR:
        return f"{minutes} min"
    return f"{minutes // MINUTES_AN_HOUR} h {minutes % MINUTES_AN_HOUR} min"
