"""Names of the training and of the test runs, and what may be wrong with them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from picking.config import PipelineConfig
from picking.config.names import name_problem
from picking.errors import InputError
from picking.files.batch_record import Split


@dataclass(frozen=True)
class RunInventory:
    """Names of the training and of the test runs, sorted.

    A run may be both: the challenge's visible test folder repeats three training runs.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        """Return the runs of a split."""
        return self.train if split == "train" else self.test


def check_left_out(config: PipelineConfig, there: Collection[str]) -> None:
    """Raise InputError if a run is left out that is not among those that are there."""
    unknown = [run for run in config.leave_out if run not in there]
    if unknown:
        raise InputError(
            "leave_out",
            f"names {', '.join(unknown)}, which is not a run of the data set",
            f"the runs are {', '.join(sorted(there))}",
        )


def usable_names(names: Sequence[str], where: object) -> tuple[str, ...]:
    """Sort run names, or raise InputError if one cannot name files."""
    for name in names:
        problem = name_problem(name)
        if problem:
            raise InputError(where, f"the run name {problem}", "or name the run in leave_out")
    return tuple(sorted(names))
