"""Scored candidates run by run, so that a table of many runs is never in memory as a whole."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from picking.errors import InputError
from picking.files.tables import REMAKE, SCORED_CANDIDATES


def scored_by_run(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """Read a table SCORED_CANDIDATES one run after the other.

    Parameters
    ----------
    path : Path
        Parquet file whose rows stand together by run; a row group may hold one run or many.

    Yields
    ------
    run : str
    candidates : DataFrame
        Table SCORED_CANDIDATES of this run.

    Raises
    ------
    InputError
        If the file is missing or damaged, or the rows of a run stand in two places.
    """
    seen: set[str] = set()
    for frame in _whole_runs(path):
        for run, of_run in frame.groupby("run", sort=False):
            name = str(run)
            if name in seen:
                raise InputError(path, f"has rows of run {name} in two places", REMAKE)
            seen.add(name)
            yield name, of_run.reset_index(drop=True)


def _whole_runs(path: Path) -> Iterator[pd.DataFrame]:
    """Read row groups; the last run of each waits for the next one, which may go on with it."""
    waiting = SCORED_CANDIDATES.empty()
    for group in _row_groups(path):
        frame = pd.concat([waiting, group], ignore_index=True)
        if frame.empty:
            continue
        is_last = frame["run"] == frame["run"].iloc[-1]
        # Of the rows of the last run only those at the end.
        begin = int(is_last[::-1].idxmin()) + 1 if not is_last.all() else 0
        waiting = frame.iloc[begin:]
        yield frame.iloc[:begin]
    yield waiting


def _row_groups(path: Path) -> Iterator[pd.DataFrame]:
    try:
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                yield SCORED_CANDIDATES.check(file.read_row_group(number).to_pandas(), path)
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise InputError(path, f"cannot be read ({reason})", "submit first") from None
    except pa.ArrowException as error:
        first_line = str(error).splitlines()[0]
        raise InputError(
            path, f"is not a readable table of scored candidates ({first_line})", REMAKE
        ) from None
