"""Averages of picks by fold: no candidate is compared with one that its own run went into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from picking.errors import InputError
from picking.files.tables import REMAKE
from picking.scoring.folds import Folds
from picking.structures.structure import Structure
from picking.structures.structure_file import read_structures, write_structures

# Of the averages of all training runs, beside the numbers of the folds.
OF_ALL = "all"


@dataclass(frozen=True)
class FoldAverages:
    """Averages of the picks of particle types.

    Parameters
    ----------
    folds : Folds
        Which runs are judged together.
    by_fold : mapping of str to mapping of str to Structure
        By the fold's number, the averages of the runs that are not judged in it, by particle type;
        by ``OF_ALL`` those of all training runs.
    """

    folds: Folds
    by_fold: Mapping[str, Mapping[str, Structure]] = field(default_factory=dict)

    def of_run(self, run: str) -> Mapping[str, Structure]:
        """Averages that a run's candidates are compared with, by particle type.

        Those of its fold for a training run; of all training runs for any other.
        """
        is_judged = bool(self.folds.judged_with(run))
        return self.by_fold.get(str(self.folds.fold_of(run)) if is_judged else OF_ALL, {})

    def write(self, path: Path) -> None:
        """Write the averages, whole or not at all; the folds have a file of their own."""
        write_structures(
            path,
            {
                f"{fold}/{name}": average
                for fold, averages in self.by_fold.items()
                for name, average in averages.items()
            },
        )

    @classmethod
    def read(cls, path: Path, folds: Path) -> "FoldAverages":
        """Read what :meth:`write` wrote, and the folds.

        Raises
        ------
        InputError
            If a file is missing or damaged, or the averages are of other folds.
        """
        known = Folds.read(folds)
        by_fold: dict[str, dict[str, Structure]] = {}
        for key, average in read_structures(path).items():
            fold, _, name = key.partition("/")
            by_fold.setdefault(fold, {})[name] = average
        if not by_fold.keys() <= set(groups_of(known)):
            raise InputError(path, "holds averages of other folds", REMAKE)
        return cls(known, by_fold)


def groups_of(folds: Folds) -> dict[str, Sequence[str]]:
    """List the runs that are averaged together, by the fold they are for, and ``OF_ALL``."""
    by_fold: dict[str, Sequence[str]] = {
        str(fold): folds.training_runs(fold) for fold in range(folds.number)
    }
    return by_fold | {OF_ALL: folds.runs}
