"""The tables that pass between the stages: their columns, units and dtypes, checked on reading."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from picking.errors import InputError
from picking.files.whole_files import whole_path

REMAKE = "remove the file and run the pipeline again, it will be made again"
# How a CSV file may write that a number is missing.
MISSING_NUMBERS = ["", "nan", "NaN", "NA", "null"]


def read_csv_exactly(
    path: Path, text_columns: Sequence[str], number_columns: Sequence[str]
) -> pd.DataFrame:
    """Read a CSV file so that names stay text and numbers keep their last bit.

    A run may be called "001" or "NA"; only in number columns does an empty field or "nan" mean a
    missing value. Whether the columns are there is left to the caller.

    Raises
    ------
    InputError
        If there is no such file, or it is not a CSV file.
    """
    try:
        frame: pd.DataFrame = pd.read_csv(
            path,
            dtype=dict.fromkeys(text_columns, "str"),
            keep_default_na=False,
            na_values=dict.fromkeys(number_columns, MISSING_NUMBERS),
        )
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check the path") from None
    except ValueError as error:
        first_line = str(error).splitlines()[0]
        raise InputError(
            path, f"is not a readable CSV file ({first_line})", "fix the file"
        ) from None
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas takes the first field of longer rows for an index, and shifts all columns.
        raise InputError(path, "has rows with more fields than the header", "fix the file")
    return frame


@dataclass(frozen=True)
class Column:
    """One declared column: ``dtype`` is "str" or a numpy dtype's name."""

    name: str
    dtype: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table contract: the columns that have to be there, in this order.

    Parameters
    ----------
    name : str
        What the table is called in messages.
    columns : tuple of Column
        Declared columns. Numbers have to be finite.
    open_dtype : str or None
        dtype of any further columns; None where there may be none.
    """

    name: str
    columns: tuple[Column, ...]
    open_dtype: str | None = None

    @property
    def column_names(self) -> list[str]:
        """Names of the declared columns in their order."""
        return [column.name for column in self.columns]

    def check(self, frame: pd.DataFrame, where: object, fix: str = REMAKE) -> pd.DataFrame:
        """Return ``frame`` with the declared columns first and cast, or raise InputError."""
        missing = [name for name in self.column_names if name not in frame.columns]
        if missing:
            raise InputError(
                where, f"the {self.name} table lacks column(s) {', '.join(missing)}", fix
            )
        further = [name for name in frame.columns if name not in self.column_names]
        if further and self.open_dtype is None:
            raise InputError(
                where, f"the {self.name} table has unknown column(s) {', '.join(further)}", fix
            )
        dtypes = {column.name: column.dtype for column in self.columns}
        dtypes.update(dict.fromkeys(further, self.open_dtype or ""))
        try:
            checked = frame[self.column_names + further].astype(dtypes)
        except (ValueError, TypeError) as error:
            raise InputError(
                where, f"the {self.name} table has a value of the wrong type ({error})", fix
            ) from error
        for name in self.column_names:
            column = checked[name]
            bad = (
                column.isna()
                if dtypes[name] == "str"
                else ~np.isfinite(column.to_numpy(dtype=float))
            )
            if bad.any():
                raise InputError(
                    where,
                    f"column {name} of the {self.name} table has {int(bad.sum())} missing or "
                    "non-finite value(s)",
                    fix,
                )
        return checked.reset_index(drop=True)

    def empty(self) -> pd.DataFrame:
        """Make an empty table with the declared columns."""
        return pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in self.columns})

    def read(self, path: Path) -> pd.DataFrame:
        """Read and check a Parquet or CSV file (by its ending).

        Parameters
        ----------
        path : Path
            File to read.

        Returns
        -------
        DataFrame
            The declared columns first, in their order and dtypes.

        Raises
        ------
        InputError
            If the file is missing or damaged, or breaks the contract.
        """
        path = Path(path)
        with self._readable(path):
            if path.suffix == ".csv":
                text = [column.name for column in self.columns if column.dtype == "str"]
                numbers = [name for name in self.column_names if name not in text]
                frame = read_csv_exactly(path, text, numbers)
            else:
                frame = pd.read_parquet(path)
        return self.check(frame, path)

    def read_run(self, path: Path, run: str) -> pd.DataFrame:
        """Read and check the declared columns of one run's rows in a Parquet file, and no more."""
        with self._readable(Path(path)):
            frame = pd.read_parquet(
                path, columns=self.column_names, filters=[(RUN.name, "==", run)]
            )
        return self.check(frame, path)

    @contextmanager
    def _readable(self, path: Path) -> Iterator[None]:
        if not path.exists():
            raise InputError(
                path, f"there is no such {self.name} table", "run the stage before first"
            )
        try:
            yield
        except (ValueError, OSError) as error:
            first_line = str(error).splitlines()[0]
            raise InputError(
                path, f"this is not a readable {self.name} table ({first_line})", REMAKE
            ) from error

    def write(self, frame: pd.DataFrame, path: Path) -> None:
        """Check and write a Parquet or CSV file (by its ending), whole or not at all.

        Parameters
        ----------
        frame : DataFrame
            Rows to write.
        path : Path
            File to write; one that is there is replaced.
        """
        checked = self.check(frame, path)
        with whole_path(path) as unfinished:
            if Path(path).suffix == ".csv":
                checked.to_csv(unfinished, index=False)
            else:
                checked.to_parquet(unfinished, index=False)

    @contextmanager
    def written_in_parts(self, path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
        """Write a Parquet or CSV file part by part, so that the whole is never in memory.

        Parameters
        ----------
        path : Path
            File to write, whole or not at all.

        Yields
        ------
        callable
            Checks a frame and appends it: to a Parquet file as a row group of its own.
        """
        with whole_path(path) as unfinished:
            if Path(path).suffix == ".csv":
                self.empty().to_csv(unfinished, index=False)
                yield lambda frame: self.check(frame, path).to_csv(
                    unfinished, mode="a", header=False, index=False
                )
                return
            schema = pa.Schema.from_pandas(self.empty(), preserve_index=False)
            with pq.ParquetWriter(unfinished, schema) as writer:
                yield lambda frame: writer.write_table(
                    pa.Table.from_pandas(self.check(frame, path), schema, preserve_index=False)
                )


RUN = Column("run", "str", "the tomogram's run")
PARTICLE_TYPE = Column("particle_type", "str", "name of the particle type")
CANDIDATE_ID = Column("candidate_id", "int32", "number of the candidate, unique within its run")
X = Column("x", "float64", "position, Å")
Y = Column("y", "float64", "position, Å")
Z = Column("z", "float64", "position, Å")
PROPOSAL_SCORE = Column("proposal_score", "float32", "height of the stage-1 peak, 0 to 1")
RERANK_SCORE = Column("rerank_score", "float64", "stage 2's calibrated probability, 0 to 1")

POSITION_COLUMNS = ["x", "y", "z"]

TRUTH = Table("truth", (RUN, PARTICLE_TYPE, X, Y, Z))
CANDIDATES = Table("candidates", (RUN, CANDIDATE_ID, PARTICLE_TYPE, X, Y, Z, PROPOSAL_SCORE))
FEATURES = Table("features", (RUN, CANDIDATE_ID, PARTICLE_TYPE), open_dtype="float32")
OUT_OF_FOLD = Table(
    "out-of-fold",
    (
        RUN,
        Column("fold", "int32", "fold that the run is judged in"),
        CANDIDATE_ID,
        PARTICLE_TYPE,
        X,
        Y,
        Z,
        PROPOSAL_SCORE,
        RERANK_SCORE,
        Column("is_positive", "bool", "best candidate of a reference within the metric's radius"),
    ),
)
# In the column outer_fold: the classifier that was fitted on all training runs.
FINAL_CLASSIFIER = -1
NESTED_SCORES = Table(
    "nested scores",
    (
        Column(
            "outer_fold",
            "int32",
            "fold whose classifier scored; it was fitted without that fold; -1: the final one",
        ),
        RUN,
        CANDIDATE_ID,
        PARTICLE_TYPE,
        RERANK_SCORE,
    ),
)
SCORED_CANDIDATES = Table(
    "scored candidates",
    (RUN, CANDIDATE_ID, PARTICLE_TYPE, X, Y, Z, PROPOSAL_SCORE, RERANK_SCORE),
)
PICKS = Table(
    "picks",
    (RUN, PARTICLE_TYPE, X, Y, Z, Column("score", "float64", "probability of the pick, 0 to 1")),
)
FAILED_RUNS = Table(
    "failed runs",
    (
        RUN,
        Column("stage", "str", "where it failed: stage1_proposals or features"),
        Column("reason", "str", "what is wrong with it"),
    ),
)
SUBMISSION = Table(
    "submission",
    (
        Column("id", "int64", "row number"),
        Column("experiment", "str", "Kaggle's word for run"),
        PARTICLE_TYPE,
        X,
        Y,
        Z,
    ),
)
