"""Train the re-ranking classifier of one particle type on out-of-fold candidates.

For every fold a classifier is fitted on the other folds and scores this one (--out-of-fold); the
inner out-of-fold scores that each classifier saw while it was tuned go to --nested, for thresholds
that have not seen the fold. The final classifier is fitted on all runs and written as LightGBM's
own text (--models, one file for each bag) and JSON (--calibration). What the classifiers lean on,
judged on the runs that they never saw, goes to --importance, for the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.json_models import write_model
from picking.files.tables import NESTED_SCORES, OUT_OF_FOLD, TRUTH
from picking.scoring.folds import Folds
from picking.scoring.truth_matching import label_candidates
from stage2_rerank.classifier.candidate_rows import read_candidate_rows
from stage2_rerank.classifier.cross_fitting import cross_fit
from stage2_rerank.classifier.decision_loss import nominal_decision_probability
from stage2_rerank.classifier.importance import importance_of_type
from stage2_rerank.classifier.leaking_features import refuse_leaking_features
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.classifier.saved_classifier import write_classifier


@dataclass(frozen=True)
class TrainingInputs:
    """Files that a classifier learns from."""

    folds: Path
    truth: Path
    candidates: tuple[Path, ...]
    features: tuple[Path, ...]


@dataclass(frozen=True)
class TrainingOutputs:
    """Files that training writes; one of ``models`` for each bag."""

    models: tuple[Path, ...]
    calibration: Path
    out_of_fold: Path
    nested: Path
    importance: Path


def train(
    config: PipelineConfig,
    particle_type: str,
    inputs: TrainingInputs,
    outputs: TrainingOutputs,
    threads: int = 1,
) -> RerankClassifier:
    """Fit, cross-fit and write the classifier of one particle type.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    particle_type : str
        Type whose candidates are re-ranked.
    inputs : TrainingInputs
        Tables of all training runs, their folds and their truth.
    outputs : TrainingOutputs
        Where to write.
    threads : int
        Threads of LightGBM; changes the time and nothing else.

    Returns
    -------
    RerankClassifier
        The final one.

    Raises
    ------
    InputError
        If the particle type is unknown, a table is missing, damaged or does not fit the others, or
        a feature knows the run or the answer.
    """
    known = {particle.name: particle for particle in config.known_particles}
    if particle_type not in known:
        raise InputError(
            "--particle-type",
            f"{particle_type} is not a particle type",
            f"the types are {', '.join(known)}",
        )
    radius_angstrom = {name: config.match_radius_angstrom(item) for name, item in known.items()}
    folds = Folds.read(inputs.folds)
    truth = TRUTH.read(inputs.truth)
    all_rows = read_candidate_rows(inputs.candidates, inputs.features)
    all_rows.check_runs(folds.runs, inputs.folds)
    all_positive = label_candidates(all_rows.candidates, truth, radius_angstrom)
    refuse_leaking_features(all_rows, all_positive)
    rows = all_rows.of_type(particle_type)
    is_positive = all_positive[(all_rows.candidates["particle_type"] == particle_type).to_numpy()]
    classifier = RerankClassifier(
        config.stage2_rerank.classifier,
        decision_probability=nominal_decision_probability(config.scoring.beta),
        random_state=config.seed,
        threads=threads,
    )
    fitted = cross_fit(classifier, rows, is_positive, folds)
    write_classifier(
        fitted.final,
        particle_type,
        int(is_positive.sum()),
        outputs.models,
        outputs.calibration,
    )
    scored = rows.candidates.assign(
        fold=np.array([folds.fold_of(run) for run in rows.candidates["run"]], dtype=np.int32),
        rerank_score=fitted.rerank_score,
        is_positive=is_positive,
    )
    OUT_OF_FOLD.write(scored, outputs.out_of_fold)
    NESTED_SCORES.write(fitted.nested_scores, outputs.nested)
    importance = importance_of_type(fitted, rows, is_positive, folds, particle_type, config.seed)
    write_model(outputs.importance, importance)
    return fitted.final


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--particle-type", required=True)
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--truth", type=Path, required=True, help="truth.csv of the training runs")
    parser.add_argument("--candidates", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--features", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument(
        "--models", type=Path, nargs="+", required=True, metavar="FILE", help="one for each bag"
    )
    parser.add_argument("--calibration", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out-of-fold", type=Path, required=True, metavar="FILE")
    parser.add_argument("--nested", type=Path, required=True, metavar="FILE")
    parser.add_argument("--importance", type=Path, required=True, metavar="FILE")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    final = train(
        resolve(load_config(arguments.config)),
        arguments.particle_type,
        TrainingInputs(
            arguments.folds,
            arguments.truth,
            tuple(arguments.candidates),
            tuple(arguments.features),
        ),
        TrainingOutputs(
            tuple(arguments.models),
            arguments.calibration,
            arguments.out_of_fold,
            arguments.nested,
            arguments.importance,
        ),
        arguments.threads,
    )
    print(
        f"{arguments.particle_type}: {len(final.inner_probability_)} candidates, "
        f"{final.trees_} trees at strength {final.strength_:g}"
    )


if __name__ == "__main__":
    run_command(main)
