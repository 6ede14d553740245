"""Score the test runs' candidates, suppress duplicates, apply thresholds, and write the answer.

Writes --submission in Kaggle's layout, the same picks with their probabilities as a table (--table)
and as a copick overlay (--picks) with a configuration that opens it (--picks-config), every test
candidate with its scores (--scored), and the runs that could not be picked (--failed). Runs are
worked on one by one. Without any test run the submission is a header alone.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.batch_record import feature_file, last_records, proposal_files
from picking.files.picks import written_picks
from picking.files.tables import FAILED_RUNS, PICKS, SCORED_CANDIDATES, SUBMISSION
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.classifier.candidate_rows import CandidateRows, read_candidate_rows
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.classifier.saved_classifier import read_classifier
from stage2_rerank.thresholds.final_picks import final_picks
from stage2_rerank.thresholds.threshold_file import Thresholds

PROGRESS_SECONDS = 5.0

Classifiers = Mapping[str, RerankClassifier]


@dataclass(frozen=True)
class SubmissionInputs:
    """What an answer is made of.

    Parameters
    ----------
    runs : tuple of str
        Test runs.
    results : Path
        Folder of the result, which holds their candidates and features.
    proposals, features : tuple of Path
        Records of the batches, by number, that say which runs have failed.
    calibrations : tuple of Path
        ``stage2/TYPE.json`` of every type.
    thresholds : Path
        ``thresholds.json``.
    project : Path
        copick configuration of the data.
    """

    runs: tuple[str, ...]
    results: Path
    proposals: tuple[Path, ...]
    features: tuple[Path, ...]
    calibrations: tuple[Path, ...]
    thresholds: Path
    project: Path

    def failed(self) -> pd.DataFrame:
        """Table FAILED_RUNS: the test runs that could not be picked, by name."""
        # A run that fails in the first stage has not come to the second.
        rows = {
            run: {"run": run, "stage": stage, "reason": record.failed[run].reason}
            for stage, records in (
                ("features", self.features),
                ("stage1_proposals", self.proposals),
            )
            for run, record in last_records(records).items()
            if run in record.failed and run in self.runs
        }
        table = pd.concat([FAILED_RUNS.empty(), pd.DataFrame(rows.values())], ignore_index=True)
        return FAILED_RUNS.check(table.sort_values("run", ignore_index=True), "failed runs")


@dataclass(frozen=True)
class SubmissionOutputs:
    """Files and the folder that an answer is written to."""

    submission: Path
    table: Path
    scored: Path
    picks: Path
    picks_config: Path
    failed: Path


def read_classifiers(calibrations: Sequence[Path], threads: int = 1) -> dict[str, RerankClassifier]:
    """Read the classifiers by particle type.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    return dict(read_classifier(path, threads) for path in calibrations)


def score_candidates(rows: CandidateRows, classifiers: Classifiers) -> pd.DataFrame:
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
    for particle_type, classifier in classifiers.items():
        of_type = types == particle_type
        if not of_type.any():
            continue
        if list(rows.features.columns) != list(classifier.feature_names_in_):
            raise InputError(
                f"the classifier of {particle_type}",
                "was trained on other features than the test runs have",
                "make the feature tables and stage 2 again with one configuration",
            )
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


def as_submission(picks: pd.DataFrame, first_id: int = 0) -> pd.DataFrame:
    """Turn picks (table PICKS) into Kaggle's columns, in the order of the rows."""
    ids = np.arange(first_id, first_id + len(picks))
    renamed = picks.rename(columns={"run": "experiment"}).assign(id=ids)
    return SUBMISSION.check(renamed[SUBMISSION.column_names], "submission")


def submit(
    config: PipelineConfig,
    inputs: SubmissionInputs,
    outputs: SubmissionOutputs,
    threads: int = 1,
) -> int:
    """Make the answer for the test runs and write it, run by run.

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
    int
        Number of picks.

    Raises
    ------
    InputError
        If a file is missing, damaged or does not fit the others, or no run could be picked.
    """
    rules = ScoringRules.from_config(config)
    thresholds = Thresholds.read(inputs.thresholds)
    lacking = sorted(set(rules.weights) - set(thresholds.types))
    if lacking:
        raise InputError(
            inputs.thresholds, f"has no threshold for {', '.join(lacking)}", "tune them again"
        )
    classifiers = read_classifiers(inputs.calibrations, threads)
    failed = inputs.failed()
    left = sorted(set(inputs.runs) - set(failed["run"]))
    if inputs.runs and not left:
        raise InputError(
            "the test runs",
            f"none could be picked; of the first: {failed['reason'].iloc[0]}",
            "mend the data",
        )
    number = 0
    with ExitStack() as written:
        write_picks = written.enter_context(
            written_picks(
                outputs.picks,
                outputs.picks_config,
                config.known_particles,
                inputs.project,
                config.final_picks.user_id,
                config.final_picks.session_id,
            )
        )
        write_table = written.enter_context(PICKS.written_in_parts(outputs.table))
        write_scored = written.enter_context(SCORED_CANDIDATES.written_in_parts(outputs.scored))
        write_rows = written.enter_context(SUBMISSION.written_in_parts(outputs.submission))
        for run in tqdm(left, unit="run", mininterval=PROGRESS_SECONDS, file=sys.stderr):
            rows = read_candidate_rows(
                [proposal_files(inputs.results, run)["candidates"]],
                [feature_file(inputs.results, run)],
            )
            scored = score_candidates(rows, classifiers)
            picks = final_picks(
                scored, "rerank_score", rules.suppression_angstrom, thresholds.final_values()
            )
            write_picks(picks)
            write_table(picks)
            write_scored(scored)
            write_rows(as_submission(picks, first_id=number))
            number += len(picks)
    FAILED_RUNS.write(failed, outputs.failed)
    return number


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--runs", nargs="*", default=[], metavar="RUN", help="all test runs")
    parser.add_argument("--results", type=Path, required=True, help="folder of the result")
    parser.add_argument(
        "--proposals", type=Path, nargs="*", default=[], metavar="FILE", help="their records"
    )
    parser.add_argument(
        "--features", type=Path, nargs="*", default=[], metavar="FILE", help="their records"
    )
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
    parser.add_argument(
        "--table", type=Path, required=True, help="CSV to write: the picks, with probabilities"
    )
    parser.add_argument("--scored", type=Path, required=True, help="table to write")
    parser.add_argument("--picks", type=Path, required=True, help="copick overlay to make")
    parser.add_argument("--picks-config", type=Path, required=True, help="JSON to write")
    parser.add_argument("--failed", type=Path, required=True, help="CSV to write")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    if not arguments.runs:
        print("there are no test runs: the submission is a header alone")
    number = submit(
        resolve(load_config(arguments.config)),
        SubmissionInputs(
            tuple(arguments.runs),
            arguments.results,
            tuple(arguments.proposals),
            tuple(arguments.features),
            tuple(arguments.calibrations),
            arguments.thresholds,
            arguments.project,
        ),
        SubmissionOutputs(
            arguments.submission,
            arguments.table,
            arguments.scored,
            arguments.picks,
            arguments.picks_config,
            arguments.failed,
        ),
        arguments.threads,
    )
    print(f"{number} picks in {len(arguments.runs)} run(s): {arguments.submission}")


if __name__ == "__main__":
    run_command(main)
