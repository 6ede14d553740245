"""A folder of results, opened to read: its settings, tables, models and tomograms."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.batch_record import feature_file, proposal_files
from picking.files.score_maps import ScoreMaps
from picking.files.tables import OUT_OF_FOLD, PICKS, REMAKE, SCORED_CANDIDATES, TRUTH
from picking.files.tomogram import Tomogram, read_tomogram
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.classifier.candidate_rows import CandidateRows, read_candidate_rows
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.classifier.saved_classifier import read_classifier
from stage2_rerank.thresholds.threshold_file import Thresholds

# As the rule ``submit`` takes them: a later one completes or replaces an earlier one's keys.
SETTINGS = ("data", "appearance", "scoring", "stage2_decision", "picks_author")
# What other jobs read. A result that was picked with a bundle lacks those of the training.
FURTHER_SETTINGS = ("stage1_prediction", "features", "wedge", "stage2_classifier")


@dataclass(frozen=True)
class FinishedResult:
    """A folder ``results/NAME``; a file is read when it is asked for, and nothing is written.

    A file that is missing or damaged raises InputError. A result that was picked with a bundle
    has the bundle's truth, out-of-fold candidates and report, but nothing of its training runs.

    Parameters
    ----------
    folder : Path
        ``results/NAME``.
    """

    folder: Path

    @cached_property
    def config(self) -> PipelineConfig:
        """Configuration, particle types resolved, of everything but the training of stage 1."""
        further = [path for path in self._settings(FURTHER_SETTINGS) if path.is_file()]
        return resolve(load_config([*self._settings(SETTINGS), *further]))

    @cached_property
    def rules(self) -> ScoringRules:
        """Radii, distances and weights by particle type."""
        return ScoringRules.from_config(self.config)

    @cached_property
    def folds(self) -> Folds:
        """Folds of the training runs."""
        return Folds.read(self.folder / "folds.json")

    @cached_property
    def thresholds(self) -> Thresholds:
        """Thresholds of all types, for test runs and for every fold."""
        return Thresholds.read(self.thresholds_file)

    @property
    def thresholds_file(self) -> Path:
        """File of the thresholds."""
        return self.folder / "thresholds.json"

    @property
    def test_project(self) -> Path:
        """Copick configuration of the test runs."""
        return self.folder / "copick" / "test.json"

    def report(self) -> dict[str, Any]:
        """Read the figures of the cross-validation report.

        Returns
        -------
        dict
            Content of ``cv_report.json``: scores with intervals, by stage and particle type.
        """
        path = self.folder / "cv_report.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(
                path, f"cannot be read ({error.strerror})", "make it: snakemake cv_report"
            ) from None
        except ValueError as error:
            raise InputError(path, f"is no report ({error})", REMAKE) from None
        return content

    def truth(self) -> pd.DataFrame:
        """Read the references of the training runs.

        Returns
        -------
        DataFrame
            Table TRUTH, of the runs of the folds.
        """
        truth = TRUTH.read(self.folder / "truth.csv")
        return truth[truth["run"].isin(self.folds.runs)].reset_index(drop=True)

    def out_of_fold(self) -> pd.DataFrame:
        """Read the candidates of the training runs, scored by models that never saw their run.

        Returns
        -------
        DataFrame
            Table OUT_OF_FOLD.
        """
        return OUT_OF_FOLD.read(self.folder / "out_of_fold.parquet")

    def scored(self) -> pd.DataFrame:
        """Read the candidates of the test runs with both scores.

        Returns
        -------
        DataFrame
            Table SCORED_CANDIDATES.
        """
        return SCORED_CANDIDATES.read(self.folder / "scored_test.parquet")

    def picks(self) -> pd.DataFrame:
        """Read the final picks of the test runs.

        Returns
        -------
        DataFrame
            Table PICKS.
        """
        return PICKS.read(self.folder / "picks.csv")

    def candidate_rows(self, runs: Sequence[str] | None = None) -> CandidateRows:
        """Read candidates with their features.

        Parameters
        ----------
        runs : sequence of str or None
            Training or test runs; None: all training runs.

        Returns
        -------
        CandidateRows
        """
        wanted = self.folds.runs if runs is None else runs
        return read_candidate_rows(
            [proposal_files(self.folder, run)["candidates"] for run in wanted],
            [feature_file(self.folder, run) for run in wanted],
        )

    def score_maps(self, run: str) -> ScoreMaps:
        """Read stage 1's score maps of a run.

        Parameters
        ----------
        run : str
            Training or test run. The networks that looked at a training run never saw it.

        Returns
        -------
        ScoreMaps
        """
        return ScoreMaps.read(proposal_files(self.folder, run)["score_maps"])

    def tomogram(self, run: str) -> Tomogram:
        """Read the tomogram of a run as stage 1 saw it, but for the normalisation.

        Parameters
        ----------
        run : str
            Training or test run.

        Returns
        -------
        Tomogram
        """
        training = self.folder / "copick" / "train.json"
        is_learnt = training.is_file() and run in self.folds.runs
        return read_tomogram(
            training if is_learnt else self.test_project, run, *self.config.tomogram_kind
        )

    def classifier(self, particle_type: str) -> RerankClassifier:
        """Read the final classifier of a type, which all training runs taught.

        Parameters
        ----------
        particle_type : str
            Name of the particle type.

        Returns
        -------
        RerankClassifier
            For test runs. Of training runs it knows the answers: see :meth:`out_of_fold`.
        """
        return read_classifier(self.folder / "stage2" / f"{particle_type}.json")[1]

    def check(self) -> None:
        """Refuse a folder that lacks a file that picking again needs.

        Raises
        ------
        InputError
            It names the files.
        """
        names = ("thresholds.json", "scored_test.parquet", "out_of_fold.parquet", "truth.csv")
        needed = [*self._settings(SETTINGS), *(self.folder / name for name in names)]
        needed += [self.folder / "folds.json", self.test_project]
        lacking = [path for path in needed if not path.is_file()]
        if lacking:
            listed = ", ".join(path.relative_to(self.folder).as_posix() for path in lacking)
            raise InputError(
                self.folder,
                f"is not a finished result: it lacks {listed}",
                "give results/NAME, and finish it first: snakemake submission",
            )

    def _settings(self, names: Sequence[str]) -> list[Path]:
        return [self.folder / "settings" / f"{name}.yaml" for name in names]
