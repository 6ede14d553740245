"""Write the picks report: one HTML page and its figures as JSON.

It shows what was picked in every run, whether the tomograms are like those that the classifiers
learnt from, and pictures. Feature tables are read one run after the other; tomograms only a few.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from picking.command_line import command_parser
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.json_models import read_model, write_model
from picking.files.tables import FAILED_RUNS, FEATURES, SCORED_CANDIDATES
from picking.files.tomogram import picked_volumes
from picking.files.whole_files import write_whole_text
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.page.templates import page_environment
from stage2_rerank.picks_report.content import (
    CrossValidation,
    FailedRun,
    PicksReportContent,
    TypeAnswer,
)
from stage2_rerank.picks_report.likeness import likeness_of
from stage2_rerank.picks_report.notes import notes_on_runs
from stage2_rerank.picks_report.picked_runs import PickedRun, PickedRuns, gather_runs
from stage2_rerank.picks_report.pictures import PicksPictures, draw_picks, mean_figures
from stage2_rerank.picks_report.run_table import run_figures
from stage2_rerank.picks_report.scored_runs import scored_by_run
from stage2_rerank.picks_report.training_summary import (
    CUBE_CUBIC_ANGSTROM,
    TrainingSummary,
    threshold_grid,
)
from stage2_rerank.report.figures import PicksOverThreshold, likeness_panel
from stage2_rerank.thresholds.threshold_file import Thresholds

TEMPLATE = "picks_page.html"
LISTED_FEATURES = 10  # of those most beyond chance; all of them stand in the JSON


@dataclass(frozen=True)
class PicksReportFiles:
    """Files that a picks report is made of; ``failed`` and ``cross_validation`` may be missing.

    ``features`` are one table for each run, named by it: the runs that the page is about are these,
    without the failed ones. ``proposals`` are records of their batches. ``copick`` is the
    configuration of the project that holds them.
    """

    scored: Path
    thresholds: Path
    features: tuple[Path, ...]
    training_summary: Path
    copick: Path
    proposals: tuple[Path, ...] = ()
    failed: Path | None = None
    cross_validation: Path | None = None


def write_picks_report(
    config: PipelineConfig,
    files: PicksReportFiles,
    json_path: Path,
    html_path: Path,
) -> PicksReportContent:
    """Make the report and write it.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    files : PicksReportFiles
        What it is made of.
    json_path, html_path : Path
        Where to write.

    Returns
    -------
    PicksReportContent

    Raises
    ------
    InputError
        If a file is missing, damaged or does not fit the others, or a tomogram cannot be read.
    """
    rules = ScoringRules.from_config(config)
    thresholds = Thresholds.read(files.thresholds)
    summary = TrainingSummary.read(files.training_summary)
    failed = FAILED_RUNS.read(files.failed) if files.failed else FAILED_RUNS.empty()
    picked = gather_runs(
        read_runs(config, files, set(failed["run"])), summary, thresholds.final_values(), rules
    )
    pictures = draw_picks(config, picked.picks, files.copick, rules)
    content = PicksReportContent(
        name=config.name,
        notes=tuple(notes_on_runs(files.proposals, picked.volumes_cubic_angstrom, summary.runs)),
        runs=len(picked.volumes_cubic_angstrom),
        training_runs=len(summary.runs),
        failed=tuple(
            FailedRun(run=row.run, stage=row.stage, reason=row.reason)
            for row in failed.itertuples()
        ),
        types=_answers(picked.picks, thresholds.final_values(), rules),
        expected=_cross_validation(files.cross_validation),
        likeness=likeness_of(picked.measured, picked.counts, summary),
        per_run=run_figures(picked, summary, rules),
        means=mean_figures(pictures),
        pictured_runs=pictures.runs,
    )
    page = render(content, _plots(picked, summary, thresholds.final_values()), pictures, summary)
    write_model(json_path, content)
    write_whole_text(html_path, page)
    return content


def read_runs(
    config: PipelineConfig, files: PicksReportFiles, failed: set[str]
) -> Iterator[PickedRun]:
    """Read the runs that have an answer, one at a time.

    Raises
    ------
    InputError
        If a table or a tomogram is missing or damaged, or candidates are of a run without features.
    """
    features = {path.stem: path for path in files.features if path.stem not in failed}
    volumes = picked_volumes(files.copick, features, config.tomo_type, config.voxel_spacing)
    left = dict(features)
    for run, candidates in scored_by_run(files.scored):
        if run in failed:
            continue
        path = left.pop(run, None)
        if path is None:
            raise InputError(
                files.scored, f"has run {run}, which --features lacks", "give every run's table"
            )
        yield PickedRun(run, candidates, FEATURES.read(path), volumes[run])
    for run, path in left.items():
        yield PickedRun(run, SCORED_CANDIDATES.empty(), FEATURES.read(path), volumes[run])


def _answers(
    picks: pd.DataFrame, thresholds: Mapping[str, float], rules: ScoringRules
) -> dict[str, TypeAnswer]:
    of_types = {name: picks.loc[picks["particle_type"] == name, "score"] for name in rules.weights}
    return {
        name: TypeAnswer(
            picks=len(scores), likely_true=float(scores.sum()), threshold=thresholds[name]
        )
        for name, scores in of_types.items()
    }


def _cross_validation(path: Path | None) -> CrossValidation | None:
    if path is None:
        return None
    return read_model(
        path,
        CrossValidation,
        problem="is no cross-validation report",
        if_missing="leave it out, or make the report of the training",
    )


def _plots(
    picked: PickedRuns, summary: TrainingSummary, thresholds: Mapping[str, float]
) -> dict[str, str]:
    """Draw picks by volume over the threshold, here and in training, by particle type."""
    cubes = sum(picked.volumes_cubic_angstrom.values()) / CUBE_CUBIC_ANGSTROM
    if not cubes:
        return {}
    falling = threshold_grid()[::-1]
    return {
        name: likeness_panel(
            PicksOverThreshold(falling, np.array(summary.types[name].picks_over_threshold)[::-1]),
            PicksOverThreshold(falling, above[::-1] / cubes),
            thresholds[name],
            name,
            labels=("training, out of fold", "these runs"),
            picks_label="picks in (100 nm)³",
        )
        for name, above in picked.above_thresholds.items()
        if name in summary.types
    }


def render(
    content: PicksReportContent,
    plots: Mapping[str, str],
    pictures: PicksPictures,
    summary: TrainingSummary,
) -> str:
    """Fill in the page.

    Parameters
    ----------
    content : PicksReportContent
        Figures.
    plots : mapping of str to str
        SVG text of the likeness plots by particle type.
    pictures : PicksPictures
        Pictures by particle type.
    summary : TrainingSummary
        The training.

    Returns
    -------
    str
        One self-contained HTML page.
    """
    volumes = [run.volume_cubic_angstrom for run in content.per_run.values()]
    cubes = float(np.median(volumes)) / CUBE_CUBIC_ANGSTROM if volumes else None
    medians = {name: of_type.picks.median for name, of_type in summary.types.items()}
    usual = {name: _times(medians.get(name), cubes) for name in content.types}
    return (
        page_environment()
        .get_template(TEMPLATE)
        .render(
            content=content,
            plots=plots,
            pictures=pictures,
            usual=usual,
            total=sum(one.picks for one in content.types.values()),
            likely_true=sum(one.likely_true for one in content.types.values()),
            out_of_line=sum(bool(run.out_of_line) for run in content.per_run.values()),
            listed_features=LISTED_FEATURES,
        )
    )


def _times(density: float | None, cubes: float | None) -> float | None:
    return None if density is None or cubes is None else density * cubes


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--scored", type=Path, required=True, help="scored_test.parquet")
    parser.add_argument("--thresholds", type=Path, required=True, help="thresholds.json")
    parser.add_argument(
        "--features", type=Path, nargs="*", default=[], metavar="FILE", help="RUN.parquet of all"
    )
    parser.add_argument("--training-summary", type=Path, required=True, metavar="FILE")
    parser.add_argument("--copick", type=Path, required=True, help="copick project of the runs")
    parser.add_argument("--failed", type=Path, help="failed_runs.csv")
    parser.add_argument("--cv-report", type=Path, help="cv_report.json of the training")
    parser.add_argument(
        "--proposals", type=Path, nargs="*", default=[], metavar="FILE", help="batches' records"
    )
    parser.add_argument("--json", type=Path, required=True, help="picks_report.json to write")
    parser.add_argument("--html", type=Path, required=True, help="picks_report.html to write")
    arguments = parser.parse_args(argv)
    content = write_picks_report(
        resolve(load_config(arguments.config)),
        PicksReportFiles(
            scored=arguments.scored,
            thresholds=arguments.thresholds,
            features=tuple(arguments.features),
            training_summary=arguments.training_summary,
            copick=arguments.copick,
            proposals=tuple(arguments.proposals),
            failed=arguments.failed,
            cross_validation=arguments.cv_report,
        ),
        arguments.json,
        arguments.html,
    )
    print(f"picks of {content.runs} runs, {len(content.failed)} failed: {arguments.html}")
    for reason in content.likeness.unlike_in:
        print(f"unlike the training runs in {reason}")
