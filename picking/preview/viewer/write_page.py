"""Write the viewer's page: one file that holds everything and asks the network for nothing."""

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd

from picking.config import PipelineConfig
from picking.errors import InputError
from picking.files.picks import read_picks
from picking.files.tables import PICKS
from picking.files.tomogram import read_tomogram
from picking.files.truth import read_truth
from picking.files.whole_files import write_whole_text
from picking.preview.shown_run import check_run
from picking.preview.viewer.content import (
    SHOWN_CANDIDATES,
    ViewerContent,
    apart,
    shown_types,
)
from picking.preview.viewer.cutoffs import THRESHOLDS_NAME, read_cutoffs
from picking.preview.viewer.slice_images import SliceImages, slice_images
from picking.scoring.scoring_rules import ScoringRules

# A page that can still be sent by mail.
MOST_BYTES = 10_000_000
# For the heights of the slices and the quotes around the images: enough for three thousand slices.
BYTES_AROUND_IMAGES = 100_000
# Stands for the folder of a result where none is known.
UNKNOWN_RESULT = "results/NAME"


@dataclass(frozen=True)
class ViewerInputs:
    """Files that a page is made from.

    Parameters
    ----------
    copick : Path
        copick configuration of the project that holds the tomogram; picks in it are the truth.
    picks : Path or None
        Configuration that :func:`picking.files.picks.write_picks` wrote.
    scored : Path or None
        Table of scored candidates, which are shown instead of the picks. Cut-offs begin with the
        ``thresholds.json`` beside it, if there is one.
    """

    copick: Path
    picks: Path | None = None
    scored: Path | None = None


def write_viewer(
    config: PipelineConfig, run: str, inputs: ViewerInputs, output: Path
) -> ViewerContent:
    """Write a run's page.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    run : str
        Name of the run.
    inputs : ViewerInputs
        Where everything is.
    output : Path
        HTML file to write.

    Returns
    -------
    ViewerContent
        What the page shows.

    Raises
    ------
    InputError
        If a file is missing or damaged, or there is nothing to show of the run.
    """
    check_run(inputs.copick, run)
    particles = config.known_particles
    names = [particle.name for particle in particles]
    truth = read_truth(inputs.copick, [run], particles, config.truth)
    kind, picks = _picks(config, run, inputs)
    types = shown_types(particles, picks, truth, _cutoffs(inputs.scored))
    if not types:
        raise InputError(
            f"{inputs.scored or inputs.picks or inputs.copick}, run {run}",
            f"has no picks of {', '.join(names)}",
            "give --scored results/NAME/scored_test.parquet, or a run with picks",
        )
    tomogram = read_tomogram(inputs.copick, run, *config.tomogram_kind)
    result = shlex.quote(str(inputs.scored.parent)) if inputs.scored else UNKNOWN_RESULT
    content = ViewerContent(run, kind, result, types, SliceImages((), (), (0, 0, 0, 0)))
    without_images = len(render(content).encode()) + BYTES_AROUND_IMAGES
    slices = slice_images(tomogram, MOST_BYTES - without_images)
    content = dataclasses.replace(content, slices=slices)
    write_whole_text(output, render(content))
    return content


def render(content: ViewerContent) -> str:
    """Fill in the template; whatever names hold, they stay text."""
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("picking.preview", "viewer"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("viewer.html")
    return page.render(run=content.run, content=dataclasses.asdict(content))


def _picks(config: PipelineConfig, run: str, inputs: ViewerInputs) -> tuple[str, pd.DataFrame]:
    """Say what is shown, and give it with the column score."""
    if inputs.scored is not None:
        candidates = SHOWN_CANDIDATES.read_run(inputs.scored, run)
        if candidates.empty:
            raise InputError(
                inputs.scored,
                f"has no candidates in run {run}",
                "give scored_test.parquet for a test run, out_of_fold.parquet for a training run",
            )
        distance = ScoringRules.from_config(config).suppression_angstrom
        candidates = apart(candidates, "rerank_score", distance)
        return "candidates", candidates.rename(columns={"rerank_score": "score"})
    if inputs.picks is not None:
        names = [particle.name for particle in config.known_particles]
        author = config.final_picks.user_id, config.final_picks.session_id
        return "picks", read_picks(inputs.picks, [run], names, *author)
    return "truth", PICKS.empty()


def _cutoffs(scored: Path | None) -> dict[str, float]:
    """Read the thresholds of the result that a table of scored candidates is of."""
    thresholds = scored.with_name(THRESHOLDS_NAME) if scored is not None else None
    return read_cutoffs(thresholds) if thresholds is not None and thresholds.exists() else {}
