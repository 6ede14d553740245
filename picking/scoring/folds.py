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
        """Return the runs that are judged in ``fold``."""
        return self.folds[fold]

    def training_runs(self, fold: int) -> tuple[str, ...]:
        """Return the runs that the models of ``fold`` may learn from: all others, sorted."""
        return tuple(run for run in self.runs if run not in self.folds[fold])

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        content = {"folds": [list(fold) for fold in self.folds]}
        write_whole_text(path, json.dumps(content, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Folds":
        """Read what :meth:`write` wrote.

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
    """Part the runs into folds of even size with even counts of every particle type.

    Runs go one after the other, those with most picks first, to the fold that leaves the shares of
    all types most even, among the folds with the fewest runs. A type's counts are taken as shares
    of its total, so that rare types weigh as much as common ones. The order of ``runs`` and of the
    truth's rows does not matter.

    Parameters
    ----------
    truth : DataFrame
        Columns run and particle_type, one row for each pick.
    runs : sequence of str
        Training runs; some may have no picks.
    number : int
        Number of folds; with fewer runs, each run is a fold of its own.
    seed : int
        Breaks ties.

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
    tie_break = np.random.default_rng(seed).permutation(len(names))
    largest_first = np.lexsort((tie_break, -shares.sum(axis=1)))
    members: list[list[str]] = [[] for _ in range(number)]
    loads = np.zeros((number, shares.shape[1]))  # (folds, types)
    for run in largest_first:
        fewest = min(len(fold) for fold in members)
        open_folds = [k for k in range(number) if len(members[k]) == fewest]
        # Adding a run r to fold k raises the sum of squared loads by 2 load_k . r + |r|^2.
        best = min(open_folds, key=lambda k: (float(loads[k] @ shares[run]), k))
        members[best].append(names[run])
        loads[best] += shares[run]
    return Folds(tuple(tuple(sorted(fold)) for fold in members))
