"""Folds by run: which runs are judged together, by models that never saw them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from picking.errors import InputError
from picking.files.tables import REMAKE
from picking.files.whole_files import write_whole_text

LEAST_RUNS = 2

# Eight runs have 105 partitions into four folds: few enough draws that seeds keep differing, and
# enough that no fold goes without a type that others have plenty of.
PARTITIONS_DRAWN = 10


@dataclass(frozen=True)
class Folds:
    """A partition of the training runs: every run is judged in exactly one fold.

    Parameters
    ----------
    folds : tuple of tuple of str
        For each fold the runs that are judged in it.
    """

    folds: tuple[tuple[str, ...], ...]

    @property
    def number(self) -> int:
        """Number of folds."""
        return len(self.folds)

    @property
    def runs(self) -> tuple[str, ...]:
        """All runs, sorted."""
        return tuple(sorted(run for fold in self.folds for run in fold))

    def fold_of(self, run: str) -> int:
        """Fold that ``run`` is judged in.

        Parameters
        ----------
        run : str
            A training run.

        Returns
        -------
        int

        Raises
        ------
        InputError
            If the run is in no fold.
        """
        for number, fold in enumerate(self.folds):
            if run in fold:
                return number
        raise InputError(f"run {run}", "is in none of the folds", "make the folds again")

    def judged_with(self, run: str) -> tuple[str, ...]:
        """Return the runs of a training run's fold; none for any other run."""
        return next((fold for fold in self.folds if run in fold), ())

    def judged_runs(self, fold: int) -> tuple[str, ...]:
        """Return the runs that are judged in ``fold``.

        Parameters
        ----------
        fold : int
            Number of the fold.

        Returns
        -------
        tuple of str
        """
        return self.folds[fold]

    def training_runs(self, fold: int) -> tuple[str, ...]:
        """Return the runs that the models of ``fold`` may learn from: all others, sorted.

        Parameters
        ----------
        fold : int
            Number of the fold.

        Returns
        -------
        tuple of str
        """
        return tuple(run for run in self.runs if run not in self.folds[fold])

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        content = {"folds": [list(fold) for fold in self.folds]}
        write_whole_text(path, json.dumps(content, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Folds":
        """Read what :meth:`write` wrote.

        Parameters
        ----------
        path : Path
            ``results/NAME/folds.json``.

        Returns
        -------
        Folds

        Raises
        ------
        InputError
            If the file cannot be read, there are fewer than two folds, a fold is empty, or a run
            stands twice.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            folds = cls(tuple(tuple(str(run) for run in fold) for fold in content["folds"]))
        except OSError as error:
            raise InputError(path, f"cannot be read ({error.strerror})", "make the folds") from None
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(path, f"holds no folds ({error!r})", REMAKE) from None
        if folds.number < LEAST_RUNS or not all(folds.folds):
            raise InputError(path, "has fewer than two folds, or an empty one", REMAKE)
        twice = [run for run, times in Counter(folds.runs).items() if times > 1]
        if twice:
            raise InputError(path, f"judges the run(s) {', '.join(twice)} more than once", REMAKE)
        return folds


def make_folds(truth: pd.DataFrame, runs: Sequence[str], number: int, seed: int) -> Folds:
    """Part the runs into folds of even size with even counts of every particle type, by chance.

    Of ``PARTITIONS_DRAWN`` random partitions the most even one is taken, so that every seed has
    folds of its own. A type's counts are taken as shares of its total, so that rare types weigh as
    much as common ones. The order of ``runs`` and of the truth's rows does not matter.

    Parameters
    ----------
    truth : DataFrame
        Columns run and particle_type, one row for each pick.
    runs : sequence of str
        Training runs; some may have no picks.
    number : int
        Number of folds; with fewer runs, each run is a fold of its own.
    seed : int
        Draws the partitions.

    Returns
    -------
    Folds

    Raises
    ------
    InputError
        If there are fewer than two runs, or a run is named twice.
    """
    names = sorted(runs)
    if len(set(names)) < len(names):
        raise InputError("training runs", "a run is named twice", "name every run once")
    if len(names) < LEAST_RUNS:
        raise InputError(
            "training runs",
            f"there are {len(names)}, and cross-validation needs {LEAST_RUNS} at least",
            "add training runs with picks",
        )
    number = min(number, len(names))
    counts = pd.crosstab(truth["run"], truth["particle_type"]).reindex(names, fill_value=0)
    totals = counts.sum().clip(lower=1)
    shares = (counts / totals).to_numpy(dtype=np.float64)  # (runs, types)
    generator = np.random.default_rng(seed)
    fold_of_place = np.arange(len(names)) % number
    drawn = [generator.permutation(fold_of_place) for _ in range(PARTITIONS_DRAWN)]
    # The sum of squared shares is least where every fold has the same.
    fold_of_run = min(
        drawn,
        key=lambda folds: sum((shares[folds == k].sum(axis=0) ** 2).sum() for k in range(number)),
    )
    return Folds(
        tuple(
            tuple(name for name, fold in zip(names, fold_of_run, strict=True) if fold == k)
            for k in range(number)
        )
    )
