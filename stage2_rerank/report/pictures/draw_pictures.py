"""Draw the pictures of the cross-validation report: particles found, wrong and missed, and runs.

Every pick is a nested one: models and thresholds that judge a fold were fitted on the other folds.
The tomograms of the training runs are read one after the other, each once.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.files.tables import OUT_OF_FOLD, TRUTH
from picking.files.tomogram import read_tomogram
from picking.preview.slice_drawing import near_slice
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.report.pictures.choice import Example, TypeExamples, choose_examples
from stage2_rerank.report.pictures.content import (
    ParticlePicture,
    ReportPictures,
    RunPicture,
    TypePictures,
)
from stage2_rerank.report.pictures.drawing import (
    draw_field,
    draw_particle,
    field_limits,
    fullest_height,
    half_width_angstrom,
)
from stage2_rerank.thresholds.cross_validation import nested_picks
from stage2_rerank.thresholds.threshold_file import Thresholds

# A picture of a run takes up to 0.35 MB of the page: with more runs, a part of them is shown.
MOST_RUN_PICTURES = 16


def draw_pictures(
    config: PipelineConfig,
    folds_path: Path,
    truth_path: Path,
    out_of_fold_path: Path,
    thresholds_path: Path,
    copick_config: Path,
    output: Path,
) -> ReportPictures:
    """Choose what is shown, draw it and write it.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    folds_path, truth_path, out_of_fold_path, thresholds_path : Path
        Tables of the stages before.
    copick_config : Path
        copick configuration of the project of the training runs.
    output : Path
        JSON file to write.

    Returns
    -------
    ReportPictures

    Raises
    ------
    InputError
        If a file is missing, damaged or does not fit the others, or a tomogram cannot be read.
    """
    rules = ScoringRules.from_config(config)
    folds = Folds.read(folds_path)
    truth = TRUTH.read(truth_path)
    truth = truth[truth["run"].isin(folds.runs)].reset_index(drop=True)
    out_of_fold = OUT_OF_FOLD.read(out_of_fold_path)
    picks = nested_picks(out_of_fold, folds, Thresholds.read(thresholds_path), "two_stage", rules)
    examples = choose_examples(picks, out_of_fold, truth, rules)
    colors = {particle.name: particle.color for particle in config.known_particles}
    shown_runs = spread(folds.runs, MOST_RUN_PICTURES)
    images: dict[Example, str] = {}
    fields: list[RunPicture] = []
    for run in folds.runs:
        of_run = [item for chosen in examples.values() for item in chosen.all if item.run == run]
        if not of_run and run not in shown_runs:
            continue
        tomogram = read_tomogram(copick_config, run, *config.tomogram_kind)
        run_picks, run_truth = picks[picks["run"] == run], truth[truth["run"] == run]
        height = fullest_height(pd.concat([run_picks, run_truth]), tomogram, rules.radius_angstrom)
        limits = field_limits(tomogram, height)
        for item in of_run:
            images[item] = draw_particle(
                tomogram,
                item.position_xyz_angstrom,
                rules.radius_angstrom[item.particle_type],
                colors[item.particle_type],
                limits,
            )
        if run in shown_runs:
            near_picks = near_slice(run_picks, height, rules.radius_angstrom)
            near_truth = near_slice(run_truth, height, rules.radius_angstrom)
            fields.append(
                RunPicture(
                    run=run,
                    z=height,
                    picks=len(near_picks),
                    references=len(near_truth),
                    caption=f"{run}, z {height:.0f} Å: {len(near_picks)} picks, "
                    f"{len(near_truth)} references near",
                    image=draw_field(
                        tomogram,
                        height,
                        near_picks,
                        near_truth,
                        rules.radius_angstrom,
                        colors,
                        limits,
                    ),
                )
            )
        # The next one takes its place in memory.
        del tomogram
    pictures = ReportPictures(
        types={
            name: type_pictures(chosen, images, colors[name], rules.radius_angstrom[name])
            for name, chosen in examples.items()
        },
        runs=tuple(fields),
        training_runs=len(folds.runs),
    )
    pictures.write(output)
    return pictures


def spread(runs: Sequence[str], most: int) -> tuple[str, ...]:
    """Leave at most ``most`` of the runs, spread evenly over their order."""
    numbers = np.linspace(0, len(runs) - 1, min(len(runs), most)).round().astype(int)
    return tuple(runs[number] for number in numbers)


def type_pictures(
    chosen: TypeExamples,
    images: dict[Example, str],
    color: Sequence[int],
    radius_angstrom: float,
) -> TypePictures:
    """Put the pictures of one type together with their captions."""

    def pictures(examples: Sequence[Example], kind: str) -> tuple[ParticlePicture, ...]:
        return tuple(
            ParticlePicture(
                run=item.run,
                x=item.position_xyz_angstrom[0],
                y=item.position_xyz_angstrom[1],
                z=item.position_xyz_angstrom[2],
                score=item.score,
                stands_there=item.stands_there,
                caption=caption(item, kind),
                image=images[item],
            )
            for item in examples
        )

    return TypePictures(
        color="#" + bytes(color[:3]).hex(),
        half_width_angstrom=half_width_angstrom(radius_angstrom),
        found=pictures(chosen.found, "found"),
        wrong=pictures(chosen.wrong, "wrong"),
        missed=pictures(chosen.missed, "missed"),
        found_total=chosen.found_total,
        wrong_total=chosen.wrong_total,
        missed_total=chosen.missed_total,
    )


def caption(item: Example, kind: str) -> str:
    """Say where a picture is from, its score, and what went wrong; ``kind`` as in TypePictures."""
    x, y, z = item.position_xyz_angstrom
    place = f"{item.run}, x {x:.0f} y {y:.0f} z {z:.0f} Å"
    if kind == "missed":
        if item.score is None:
            return f"{place}, never proposed"
        return f"{place}, best candidate's score {item.score:.3f}"
    scored = f"{place}, score {item.score:.3f}"
    if kind == "found":
        return scored
    if item.stands_there is None:
        return f"{scored}, no labelled particle there"
    if item.stands_there == item.particle_type:
        return f"{scored}, duplicate of a better pick"
    return f"{scored}, {item.stands_there} stands there"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--truth", type=Path, required=True, help="truth.csv of the training runs")
    parser.add_argument("--out-of-fold", type=Path, required=True, help="merged table")
    parser.add_argument("--thresholds", type=Path, required=True, help="thresholds.json")
    parser.add_argument(
        "--copick", type=Path, required=True, help="copick configuration of the training runs"
    )
    parser.add_argument("--output", type=Path, required=True, help="pictures.json to write")
    arguments = parser.parse_args(argv)
    pictures = draw_pictures(
        resolve(load_config(arguments.config)),
        arguments.folds,
        arguments.truth,
        arguments.out_of_fold,
        arguments.thresholds,
        arguments.copick,
        arguments.output,
    )
    particles = sum(
        len(item.found) + len(item.wrong) + len(item.missed) for item in pictures.types.values()
    )
    print(
        f"pictures of {particles} particles and of {len(pictures.runs)} runs, "
        f"{arguments.output.stat().st_size / 1e6:.1f} MB: {arguments.output}"
    )


if __name__ == "__main__":
    run_command(main)
