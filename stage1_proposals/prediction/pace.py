"""How fast the runs are done, how long the rest takes, and how many passes there is time for."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from picking.files.progress import Clock, progress_of

# Share of the time that is kept for what comes after the last proposals.
RESERVE = 0.05
SECONDS_AN_HOUR = 3600
MINUTES_AN_HOUR = 60


class Pace:
    """The pace of a result's proposals, over all jobs that work on them.

    Parameters
    ----------
    clock : Clock or None
        When the workflow started, and how much it has to do; None for a command on its own.
    records : Path
        Folder with the records of finished and unfinished batches.
    planned : int
        Passes that a tomogram gets if there is time.
    now : callable
        Seconds since 1970.
    """

    def __init__(
        self,
        clock: Clock | None,
        records: Path,
        planned: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._records = records
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
        progress = progress_of(self._records, clock.runs, self._planned)
        made = progress.passes - clock.passes_before
        now = self._now()
        if made <= 0 or now <= clock.started:
            return self._planned
        rate = made / (now - clock.started)
        reserve = RESERVE * (clock.deadline - clock.started)
        left = max(clock.deadline - reserve - now, 0.0)
        affordable = rate * left / max(len(clock.runs) - progress.done, 1)
        return max(1, min(self._planned, math.floor(affordable)))

    def line(self) -> str:
        """Say how far the workflow is, how fast, and how long the rest takes."""
        clock = self._clock
        if clock is None:
            return "done"
        done = progress_of(self._records, clock.runs, self._planned).done
        line = f"{done} of {len(clock.runs)} tomograms"
        done_here, elapsed = done - clock.done_before, self._now() - clock.started
        if done_here <= 0 or elapsed <= 0:
            return line
        rate = done_here / elapsed
        left = duration((len(clock.runs) - done) / rate)
        return f"{line}, {rate * SECONDS_AN_HOUR:.0f} an hour, {left} left"


def duration(seconds: float) -> str:
    """Write a time in hours and minutes, rounded up."""
    minutes = math.ceil(seconds / 60)
    if minutes < MINUTES_AN_HOUR:
        return f"{minutes} min"
    return f"{minutes // MINUTES_AN_HOUR} h {minutes % MINUTES_AN_HOUR} min"
