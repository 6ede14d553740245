"""How densely the training runs are picked: what the number of candidates is measured against."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from pydantic import Field

from picking.config.stage1_proposals import PeakSettings
from picking.config.strict_model import StrictModel
from picking.errors import InputError
from picking.files.json_models import read_model, write_model


class RunPicks(StrictModel):
    """One training run."""

    picks: dict[str, int] = Field(description="number of picks by particle type")
    volume_cubic_angstrom: float = Field(gt=0, description="volume of its tomogram, Å³")


class PicksDensity(StrictModel):
    """All training runs."""

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
            Volume of each training run's tomogram, Å³.
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

    def candidate_budget(self, settings: PeakSettings, volume_cubic_angstrom: float) -> int:
        """Count the candidates that a run may have at most, all types together.

        Parameters
        ----------
        settings : PeakSettings
            Candidates for each pick, and the least number.
        volume_cubic_angstrom : float
            Volume of the run's tomogram, Å³.

        Returns
        -------
        int
            As many times the picks that a training run of this volume would hold as the settings
            say; never fewer than they allow.
        """
        picks = sum(sum(run.picks.values()) for run in self.runs.values())
        volume = sum(run.volume_cubic_angstrom for run in self.runs.values())
        expected = picks / volume * volume_cubic_angstrom
        # Rounded first: a sum of volumes may be off in its last digit.
        wanted = math.ceil(round(settings.candidates_per_pick * expected, 6))
        return max(wanted, settings.least_candidates)

    def check_budget(self, settings: PeakSettings, particle_types: Sequence[str]) -> None:
        """Refuse settings under which a training run's picks alone are more than its candidates.

        Parameters
        ----------
        settings : PeakSettings
            Candidates for each pick, the least number, and the even share.
        particle_types : sequence of str
            All types that are looked for, those without a pick included.

        Raises
        ------
        InputError
            If there is such a run: however good the network, particles would be lost.
        """
        for run_name, run in self.runs.items():
            budget = self.candidate_budget(settings, run.volume_cubic_angstrom)
            # A type's even part is taken, whether it has so many particles or not.
            part = settings.even_part(budget, len(particle_types))
            needed = sum(max(run.picks.get(name, 0), part) for name in particle_types)
            if needed > budget:
                raise InputError(
                    "stage1_proposals.peaks.candidates_per_pick",
                    f"is {settings.candidates_per_pick:g}, which allows run {run_name} {budget} "
                    f"candidates; it holds {sum(run.picks.values())} picks, and a share of "
                    f"{settings.even_share:g} is kept for all types alike",
                    "allow several times as many candidates",
                )

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_model(path, self)

    @classmethod
    def read(cls, path: Path) -> "PicksDensity":
        """Read what :meth:`write` wrote.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        return read_model(
            path, cls, problem="does not hold the runs' picks", if_missing="import the data first"
        )
