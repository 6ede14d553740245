"""Score the test runs' candidates, suppress duplicates, apply thresholds, and write the answer.

Writes --submission in Kaggle's layout, the same picks with their scores as a copick overlay
(--picks) with a configuration that opens it (--picks-config), and every test candidate with its
scores (--scored). Without any test run the submission is a header alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.picks import write_picks
from picking.files.tables import SCORED_CANDIDATES, SUBMISSION
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.classifier.candidate_rows import CandidateRows, read_candidate_rows
from stage2_rerank.classifier.saved_classifier import read_classifier
from stage2_rerank.thresholds.final_picks import final_picks
from stage2_rerank.thresholds.threshold_file import Thresholds


@dataclass(frozen=True)
class SubmissionInputs:
    """Files that an answer is made of; ``project`` is the copick configuration of the data."""

    candidates: tuple[Path, ...]
    features: tuple[Path, ...]
    calibrations: tuple[Path, ...]
    thresholds: Path
    project: Path


@dataclass(frozen=True)
class SubmissionOutputs:
    """Files and the folder that an answer is written to."""

    submission: Path
    scored: Path
    picks: Path
    picks_config: Path


def score_candidates(
    rows: CandidateRows, calibrations: Sequence[Path], threads: int = 1
) -> pd.DataFrame:
    """Give every candidate its rerank_score, by the saved classifier of its type.

    Returns
    -------
    DataFrame
        Table SCORED_CANDIDATES.

    Raises
    ------
    InputError
        If a type has no classifier or a classifier was fitted on other features.
    """
    scores = np.full(len(rows.candidates), np.nan)
    types = rows.candidates["particle_type"].to_numpy()
    for path in calibrations:
        particle_type, classifier = read_classifier(path, threads)
        if not len(rows.candidates):
            continue
        if list(rows.features.columns) != list(classifier.feature_names_in_):
            raise InputError(
                path,
                "was trained on other features than the test runs have",
                "make the feature tables and stage 2 again with one configuration",
            )
        of_type = types == particle_type
        if of_type.any():
            scores[of_type] = classifier.predict_proba(rows.features[of_type])[:, 1]
    without = sorted(set(types[np.isnan(scores)]))
    if without:
        raise InputError(
            "--calibrations",
            f"there is no classifier for {', '.join(without)}",
            "give one calibration file for each particle type",
        )
    return SCORED_CANDIDATES.check(
        rows.candidates.assign(rerank_score=scores), "scored test candidates"
    )


def as_submission(picks: pd.DataFrame) -> pd.DataFrame:
    """Turn picks (table PICKS) into Kaggle's columns, in the order of the rows, ids from 0."""
    renamed = picks.rename(columns={"run": "experiment"}).assign(id=np.arange(len(picks)))
    return SUBMISSION.check(renamed[SUBMISSION.column_names], "submission")


def submit(
    config: PipelineConfig,
    inputs: SubmissionInputs,
    outputs: SubmissionOutputs,
    threads: int = 1,
) -> pd.DataFrame:
    """Make the answer for the test runs and write it.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    inputs : SubmissionInputs
        Tables of the test runs (there may be none), the classifiers and thresholds.
    outputs : SubmissionOutputs
        Where to write.
    threads : int
        Threads of LightGBM; changes the time and nothing else.

    Returns
    -------
    DataFrame
        Table SUBMISSION.

    Raises
    ------
    InputError
        If a file is missing, damaged or does not fit the others.
    """
    rules = ScoringRules.from_config(config)
    rows = read_candidate_rows(inputs.candidates, inputs.features)
    thresholds = Thresholds.read(inputs.thresholds)
    lacking = sorted(set(rules.weights) - set(thresholds.types))
    if lacking:
        raise InputError(
            inputs.thresholds, f"has no threshold for {', '.join(lacking)}", "tune them again"
        )
    scored = score_candidates(rows, inputs.calibrations, threads)
    picks = final_picks(
        scored, "rerank_score", rules.suppression_angstrom, thresholds.final_values()
    )
    submission = as_submission(picks)
    write_picks(picks, outputs.picks, outputs.picks_config, config.known_particles, inputs.project)
    SCORED_CANDIDATES.write(scored, outputs.scored)
    SUBMISSION.write(submission, outputs.submission)
    return submission


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--candidates", type=Path, nargs="*", default=[], metavar="FILE")
    parser.add_argument("--features", type=Path, nargs="*", default=[], metavar="FILE")
    parser.add_argument(
        "--calibrations",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="stage2/TYPE.json of every type",
    )
    parser.add_argument("--thresholds", type=Path, required=True)
    parser.add_argument("--project", type=Path, required=True, help="copick project of the data")
    parser.add_argument("--submission", type=Path, required=True, help="CSV to write")
    parser.add_argument("--scored", type=Path, required=True, help="table to write")
    parser.add_argument("--picks", type=Path, required=True, help="copick overlay to make")
    parser.add_argument("--picks-config", type=Path, required=True, help="JSON to write")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    if not arguments.candidates:
        print("there are no test runs: the submission is a header alone")
    submission = submit(
        resolve(load_config(arguments.config)),
        SubmissionInputs(
            tuple(arguments.candidates),
            tuple(arguments.features),
            tuple(arguments.calibrations),
            arguments.thresholds,
            arguments.project,
        ),
        SubmissionOutputs(
            arguments.submission, arguments.scored, arguments.picks, arguments.picks_config
        ),
        arguments.threads,
    )
    print(
        f"{len(submission)} picks in {submission['experiment'].nunique()} run(s): "
        f"{arguments.submission}"
    )


if __name__ == "__main__":
    run_command(main)
