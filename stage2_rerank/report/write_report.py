"""Write the cross-validation report: one HTML page and the same figures as JSON.

Every score is nested: models and thresholds that judge a fold were fitted on the other folds;
counts are pooled over runs and scored once by the official metric.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from picking.command_line import command_parser
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.json_models import write_model
from picking.files.tables import FAILED_RUNS, OUT_OF_FOLD, SCORED_CANDIDATES, TRUTH
from picking.files.whole_files import write_whole_text
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.classifier.candidate_rows import read_features
from stage2_rerank.classifier.saved_classifier import read_classifier
from stage2_rerank.compare.comparison import others_beside
from stage2_rerank.page.templates import page_environment
from stage2_rerank.report.assembly import ReportInputs, assemble_content
from stage2_rerank.report.content import ReportContent
from stage2_rerank.report.importance_section import importance_section
from stage2_rerank.report.pictures.content import ReportPictures
from stage2_rerank.report.plots import assemble_plots
from stage2_rerank.report.provenance.provenance import ProvenanceFiles, gather_provenance
from stage2_rerank.report.provenance.rule_costs import jobs_of_result
from stage2_rerank.report.run_drift import outlying_first
from stage2_rerank.thresholds.threshold_file import Thresholds

TEMPLATE = "page.html"
LISTED_FEATURES = 10  # of those whose distribution differs most; all of them stand in the JSON


@dataclass(frozen=True)
class ReportFiles:
    """Files that a report is made of; ``scored_test`` is None without test runs.

    Features are compared only where both ``features`` and ``test_features`` name tables.
    ``importance`` are the files of all types, or none; ``pictures`` may be missing, and so may
    ``results``, the folder that tells how it was made, ``members`` of the ensemble and ``data``,
    the source of the tomograms, which are told with it.
    """

    folds: Path
    truth: Path
    out_of_fold: Path
    thresholds: Path
    calibrations: tuple[Path, ...]
    scored_test: Path | None
    test_runs: tuple[str, ...]
    features: tuple[Path, ...] = ()
    test_features: tuple[Path, ...] = ()
    importance: tuple[Path, ...] = ()
    pictures: Path | None = None
    results: Path | None = None
    members: tuple[str, ...] = ()
    data: str | None = None


def write_report(
    config: PipelineConfig, files: ReportFiles, json_path: Path, html_path: Path
) -> ReportContent:
    """Make the report and write it.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    files : ReportFiles
        Tables of the stages before.
    json_path, html_path : Path
        Where to write.

    Returns
    -------
    ReportContent

    Raises
    ------
    InputError
        If a file is missing, damaged or does not fit the others.
    """
    rules = ScoringRules.from_config(config)
    folds = Folds.read(files.folds)
    truth = TRUTH.read(files.truth)
    thresholds = Thresholds.read(files.thresholds)
    for of_type in thresholds.types.values():
        if len(of_type.folds) != folds.number:
            raise InputError(
                files.thresholds, f"does not fit the folds of {files.folds}", "tune them again"
            )
    classifiers = dict(read_classifier(path) for path in files.calibrations)
    compared = bool(files.features and files.test_features)
    if compared:
        features, test_features = read_alike(files.features, files.test_features)
    inputs = ReportInputs(
        name=config.name,
        out_of_fold=OUT_OF_FOLD.read(files.out_of_fold),
        truth=truth[truth["run"].isin(folds.runs)].reset_index(drop=True),
        folds=folds,
        thresholds=thresholds,
        strength={name: classifier.strength_ for name, classifier in classifiers.items()},
        test=read_scored(files.scored_test, files.test_runs) if files.scored_test else None,
        test_runs=files.test_runs,
        features=features if compared else None,
        test_features=test_features if compared else None,
    )
    content = assemble_content(inputs, rules)
    plots = assemble_plots(inputs, content, rules)
    if files.importance:
        importance, importance_plots = importance_section(files.importance)
        content = content.model_copy(update={"importance": importance})
        plots |= importance_plots
    if files.results:
        made = gather_provenance(
            ProvenanceFiles.of_results(files.results, files.members),
            folds,
            config.seed,
            files.data,
            jobs_of_result(
                files.results,
                {*folds.runs, *files.test_runs},
                thresholds.types,
                files.members,
                folds.number,
            ),
        )
        others = others_beside(files.results, frozenset(content.two_stage.per_run))
        content = content.model_copy(update={"made": made, "others": others})
    pictures = ReportPictures.read(files.pictures) if files.pictures else None
    page = render(content, plots, pictures)
    write_model(json_path, content)
    write_whole_text(html_path, page)
    return content


def read_scored(path: Path, runs: Sequence[str]) -> pd.DataFrame:
    """Read the scored candidates of some runs, of which a table may hold hundreds."""
    parts = [SCORED_CANDIDATES.read_run(path, run) for run in runs]
    return pd.concat([SCORED_CANDIDATES.empty(), *parts], ignore_index=True)


def read_alike(training: Sequence[Path], test: Sequence[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the feature tables of training runs and of test runs.

    Raises
    ------
    InputError
        If a table is missing or damaged, or the two have other columns.
    """
    features, test_features = read_features(training), read_features(test)
    if list(features.columns) != list(test_features.columns):
        raise InputError(
            test[0],
            f"has other columns than {training[0]}",
            "make the feature tables again, all with one configuration",
        )
    return features, test_features


def render(
    content: ReportContent, plots: dict[str, str], pictures: ReportPictures | None = None
) -> str:
    """Fill in the page.

    Parameters
    ----------
    content : ReportContent
        Figures.
    plots : dict of str to str
        SVG text by name, see :func:`stage2_rerank.report.plots.assemble_plots` and
        :func:`stage2_rerank.report.importance_section.importance_section`.
    pictures : ReportPictures, optional
        Slices of particles and runs.

    Returns
    -------
    str
        One self-contained HTML page.
    """
    environment = page_environment()
    judged = [name for name in content.weights if name in content.two_stage.per_type]
    lost = {
        name: content.weights[name] * (1 - content.two_stage.per_type[name].fbeta)
        for name in judged
    }
    drift = {**content.drift.training, **content.drift.test}
    drift_runs = outlying_first({run: row.values() for run, row in drift.items()})
    return environment.get_template(TEMPLATE).render(
        content=content,
        plots=plots,
        pictures=pictures,
        judged=judged,
        absent=[name for name in content.weights if name not in judged],
        limiting=max(lost, key=lambda name: lost[name]) if any(lost.values()) else None,
        total_weight=sum(content.weights.values()),
        listed_features=LISTED_FEATURES,
        lost=lost,
        drift_runs=drift_runs,
        judged_runs=[run for run in drift_runs if run in content.stage1.per_run],
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--truth", type=Path, required=True, help="truth.csv of the training runs")
    parser.add_argument("--out-of-fold", type=Path, required=True, help="merged table")
    parser.add_argument("--thresholds", type=Path, required=True, help="thresholds.json")
    parser.add_argument("--calibrations", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--scored-test", type=Path, help="test candidates as submit scored them")
    parser.add_argument("--test-runs", nargs="*", default=[], metavar="RUN", help="all test runs")
    parser.add_argument(
        "--features", type=Path, nargs="*", default=[], metavar="FILE", help="of training runs"
    )
    parser.add_argument(
        "--test-features", type=Path, nargs="*", default=[], metavar="FILE", help="of test runs"
    )
    parser.add_argument("--failed", type=Path, help="table of the test runs that were left out")
    parser.add_argument(
        "--importance", type=Path, nargs="*", default=[], metavar="FILE", help="what stage 2 learnt"
    )
    parser.add_argument("--pictures", type=Path, help="pictures.json")
    parser.add_argument("--results", type=Path, help="results/NAME, for how it was made")
    parser.add_argument("--members", nargs="*", default=[], help="members of the ensemble")
    parser.add_argument("--data", help="source of the tomograms, as the page says it")
    parser.add_argument("--json", type=Path, required=True, help="cv_report.json to write")
    parser.add_argument("--html", type=Path, required=True, help="cv_report.html to write")
    arguments = parser.parse_args(argv)
    left_out = set(FAILED_RUNS.read(arguments.failed)["run"]) if arguments.failed else set()
    content = write_report(
        resolve(load_config(arguments.config)),
        ReportFiles(
            folds=arguments.folds,
            truth=arguments.truth,
            out_of_fold=arguments.out_of_fold,
            thresholds=arguments.thresholds,
            calibrations=tuple(arguments.calibrations),
            scored_test=arguments.scored_test,
            test_runs=tuple(run for run in arguments.test_runs if run not in left_out),
            features=tuple(arguments.features),
            test_features=tuple(
                path for path in arguments.test_features if path.stem not in left_out
            ),
            importance=tuple(arguments.importance),
            pictures=arguments.pictures,
            results=arguments.results,
            members=tuple(arguments.members),
            data=arguments.data,
        ),
        arguments.json,
        arguments.html,
    )
    print(
        f"cross-validation: stage 1 alone {content.stage1.score:.4f}, two-stage "
        f"{content.two_stage.score:.4f}: {arguments.html}"
    )
