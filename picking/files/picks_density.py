"""How densely the training runs are picked: what the number of candidates is measured against."""

from collections import Counter
from collections.abc import Collection, Mapping

import pandas as pd
from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.files.json_models import StoredModel


class RunPicks(StrictModel):
    """One training run."""

    picks: dict[str, int] = Field(description="number of picks by particle type")
    volume_cubic_angstrom: float = Field(
        gt=0, description="volume of its tomogram in which picks count, Å³"
    )


class PicksDensity(StoredModel):
    """All training runs."""

    PROBLEM = "does not hold the runs' picks"
    IF_MISSING = "import the data first"

    runs: dict[str, RunPicks] = Field(min_length=1, description="by name")

    @classmethod
    def of_truth(
        cls, truth: pd.DataFrame, volumes_cubic_angstrom: Mapping[str, float]
    ) -> "PicksDensity":
        """Count the picks of every run.

        Parameters
        ----------
        truth : DataFrame
            Table ``picking.files.tables.TRUTH``.
        volumes_cubic_angstrom : mapping of str to float
            Volume of each training run's tomogram in which picks count, Å³.
        """
        return cls(
            runs={
                run: RunPicks(
                    picks=Counter(truth.loc[truth["run"] == run, "particle_type"]),
                    volume_cubic_angstrom=volume,
                )
                for run, volume in volumes_cubic_angstrom.items()
            }
        )

    def without(self, runs: Collection[str]) -> "PicksDensity":
        """Leave runs out; all of them stay if none would be left."""
        left = {name: run for name, run in self.runs.items() if name not in runs}
        return PicksDensity(runs=left or self.runs)

    def picks_in(self, volume_cubic_angstrom: float) -> float:
        """Count the picks, of all types, that a volume in Å³ would hold on average."""
        picks = sum(sum(run.picks.values()) for run in self.runs.values())
        volume = sum(run.volume_cubic_angstrom for run in self.runs.values())
        return picks / volume * volume_cubic_angstrom
