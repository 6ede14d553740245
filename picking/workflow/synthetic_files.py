"""Files of the synthetic data set, which has Kaggle's layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from picking.config import CZII_PARTICLES, PipelineConfig
from picking.config.synthetic import TOMO_TYPES_OF_SPLIT
from picking.data_in.import_inputs import ZARR_METADATA
from picking.data_in.inventory import Split, kaggle_picks, kaggle_tomogram

# A wildcard of Snakemake, in the place of a run's name.
ANY_RUN = "{run}"


@dataclass(frozen=True)
class SyntheticFiles:
    """Where the synthetic data set is written; ``run`` may be a name or a wildcard.

    Parameters
    ----------
    config : PipelineConfig
        The result's configuration.
    """

    config: PipelineConfig

    @property
    def folder(self) -> Path:
        """Folder in Kaggle's layout."""
        return self.config.synthetic_folder

    @property
    def settings(self) -> str:
        """Folder of what the set is made from; the set may serve several results."""
        return f"{self.folder}-settings"

    @property
    def truth(self) -> str:
        """Joint truth of the test runs."""
        return f"{self.folder}-truth.csv"

    @property
    def sample_submission(self) -> str:
        """Kaggle's example of an answer."""
        return str(self.folder / "sample_submission.csv")

    def truth_of_run(self, run: str = ANY_RUN) -> str:
        """Truth of one test run."""
        return f"{self.folder}-truth/{run}.csv"

    def tomograms(
        self, split: Split, run: str = ANY_RUN, tomo_types: Sequence[str] | None = None
    ) -> list[str]:
        """List the metadata files of a run's tomograms, which are written last."""
        return [
            str(
                kaggle_tomogram(
                    self.folder, split, run, self.config.model_copy(update={"tomo_type": tomo_type})
                )
                / ZARR_METADATA
            )
            for tomo_type in tomo_types or TOMO_TYPES_OF_SPLIT[split]
        ]

    def picks(self, run: str = ANY_RUN) -> list[str]:
        """List the picks files of a training run."""
        return [
            str(kaggle_picks(self.folder, run) / f"{particle.name}.json")
            for particle in CZII_PARTICLES
        ]

    def sources(self, split: Split, runs: Sequence[str]) -> list[str]:
        """List the files whose change means that the split has to be imported again."""
        files = [
            file for run in runs for file in self.tomograms(split, run, [self.config.tomo_type])
        ]
        if split == "train":
            files += [file for run in runs for file in self.picks(run)]
        return files
