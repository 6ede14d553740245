"""The files of a results folder that picking again reads."""

from dataclasses import dataclass
from pathlib import Path

from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError

# As the rule ``submit`` takes them: a later one completes or replaces an earlier one's keys.
SETTINGS = ("data", "appearance", "scoring", "stage2_decision", "picks_author")


@dataclass(frozen=True)
class FinishedResult:
    """The files of ``results/NAME`` that picking again reads."""

    folder: Path

    @property
    def settings(self) -> tuple[Path, ...]:
        """Parts of the configuration."""
        return tuple(self.folder / "settings" / f"{name}.yaml" for name in SETTINGS)

    @property
    def thresholds(self) -> Path:
        """The result's own thresholds."""
        return self.folder / "thresholds.json"

    @property
    def scored(self) -> Path:
        """Candidates of the test runs."""
        return self.folder / "scored_test.parquet"

    @property
    def out_of_fold(self) -> Path:
        """Candidates of the training runs."""
        return self.folder / "out_of_fold.parquet"

    @property
    def truth(self) -> Path:
        """References of the training runs."""
        return self.folder / "truth.csv"

    @property
    def project(self) -> Path:
        """The copick configuration of the test runs."""
        return self.folder / "copick" / "test.json"

    def check(self) -> None:
        """Refuse a folder that lacks one of the files.

        Raises
        ------
        InputError
            It names the files.
        """
        needed = (self.thresholds, self.scored, self.out_of_fold, self.truth, self.project)
        lacking = [path for path in (*self.settings, *needed) if not path.is_file()]
        if lacking:
            names = ", ".join(path.relative_to(self.folder).as_posix() for path in lacking)
            raise InputError(
                self.folder,
                f"is not a finished result: it lacks {names}",
                "give results/NAME, and finish it first: snakemake submission",
            )

    def config(self) -> PipelineConfig:
        """Read the settings."""
        return resolve(load_config(self.settings))
