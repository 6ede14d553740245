"""Pictures of the picks from a few tomograms, which are read one after the other."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from picking.config import PipelineConfig
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram import Tomogram, normalised, read_tomogram
from picking.preview.slices import grey_limits
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.picks_report.content import MeanFigures
from stage2_rerank.picks_report.mean_subtomograms import CubeGrid, MeanSubtomogram, by_thirds
from stage2_rerank.report.pictures.choice import MOST_EXAMPLES
from stage2_rerank.report.pictures.draw_pictures import spread
from stage2_rerank.report.pictures.drawing import (
    central_slices,
    draw_mean,
    draw_particle,
    field_limits,
    fullest_height,
)

# Bounds the time: a full-size tomogram is read and normalised in some ten seconds.
MOST_TOMOGRAMS = 8


@dataclass(frozen=True)
class Picture:
    """A picture as a data URL, with what stands below it."""

    image: str
    caption: str


@dataclass(frozen=True)
class MeanPicture:
    """The mean of some picks."""

    image: str
    figures: MeanFigures


@dataclass(frozen=True)
class TypePictures:
    """Pictures of one particle type; the most doubtful picks are just above the threshold."""

    means: tuple[MeanPicture, ...]
    best: tuple[Picture, ...]
    doubtful: tuple[Picture, ...]


@dataclass(frozen=True)
class PicksPictures:
    """Pictures by particle type, for types that have picks in ``runs``."""

    runs: tuple[str, ...]
    types: dict[str, TypePictures]


def draw_picks(
    config: PipelineConfig, picks: pd.DataFrame, copick_config: Path, rules: ScoringRules
) -> PicksPictures:
    """Read some tomograms, spread evenly over the runs with picks, and draw what is picked there.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    picks : DataFrame
        Table PICKS of all runs.
    copick_config : Path
        copick configuration of the project that holds the runs.
    rules : ScoringRules
        Radii.

    Returns
    -------
    PicksPictures

    Raises
    ------
    InputError
        If a tomogram cannot be read.
    """
    runs = spread(sorted(picks["run"].unique()), MOST_TOMOGRAMS)
    chosen = _choose(picks[picks["run"].isin(runs)], rules, config.voxel_spacing)
    colors = {particle.name: particle.color for particle in config.known_particles}
    images: dict[tuple[str, int], str] = {}
    for run in runs:
        tomogram = read_tomogram(copick_config, run, *config.tomogram_kind)
        height = fullest_height(picks[picks["run"] == run], tomogram, rules.radius_angstrom)
        limits = field_limits(tomogram, height)
        for name, of_type in chosen.items():
            for number, pick in enumerate(of_type.shown.to_dict("records")):
                if pick["run"] == run:
                    images[name, number] = draw_particle(
                        tomogram,
                        (pick["x"], pick["y"], pick["z"]),
                        rules.radius_angstrom[name],
                        colors[name],
                        limits,
                    )
        # The next one takes its place in memory.
        tomogram = Tomogram(run, normalised(tomogram.values_zyx), tomogram.voxel_size_zyx_angstrom)
        for of_type in chosen.values():
            for label, third in of_type.thirds.items():
                of_type.means[label].add(tomogram, third[third["run"] == run])
    return PicksPictures(
        runs, {name: _pictures(name, of_type, images) for name, of_type in chosen.items()}
    )


@dataclass(frozen=True)
class _Chosen:
    """What is shown of one type: picks by the name of their third, and the best and worst."""

    thirds: dict[str, pd.DataFrame]
    means: dict[str, MeanSubtomogram]
    shown: pd.DataFrame
    best: int


def _choose(picks: pd.DataFrame, rules: ScoringRules, voxel_spacing: float) -> dict[str, _Chosen]:
    chosen = {}
    for name, radius in rules.radius_angstrom.items():
        of_type = picks[picks["particle_type"] == name]
        falling = of_type.sort_values("score", ascending=False, kind="stable", ignore_index=True)
        if falling.empty:
            continue
        best = min(MOST_EXAMPLES, (len(falling) + 1) // 2)
        # From the last upwards, none of which is shown as one of the best.
        doubtful = falling.iloc[best:].iloc[::-1].head(MOST_EXAMPLES)
        thirds = by_thirds(falling)
        grid = CubeGrid.of_radius(radius, voxel_spacing)
        chosen[name] = _Chosen(
            thirds,
            {label: MeanSubtomogram(grid) for label in thirds},
            pd.concat([falling.head(best), doubtful], ignore_index=True),
            best,
        )
    return chosen


def _pictures(name: str, chosen: _Chosen, images: Mapping[tuple[str, int], str]) -> TypePictures:
    cubes = {label: mean.mean_zyx for label, mean in chosen.means.items()}
    # One grey for all of a type, so that its thirds can be compared.
    limits = grey_limits(np.stack([cut for cube in cubes.values() for cut in central_slices(cube)]))
    shown = [
        Picture(images[name, number], _caption(pick))
        for number, pick in enumerate(chosen.shown.to_dict("records"))
    ]
    return TypePictures(
        means=tuple(
            MeanPicture(draw_mean(cubes[label], limits), mean.figures(label, chosen.thirds[label]))
            for label, mean in chosen.means.items()
        ),
        best=tuple(shown[: chosen.best]),
        doubtful=tuple(shown[chosen.best :]),
    )


def _caption(pick: Mapping[Hashable, Any]) -> str:
    x, y, z = (pick[column] for column in POSITION_COLUMNS)
    return f"{pick['run']}, x {x:.0f} y {y:.0f} z {z:.0f} Å, probability {pick['score']:.3f}"


def mean_figures(pictures: PicksPictures) -> dict[str, tuple[MeanFigures, ...]]:
    """Leave the numbers of the means, by particle type."""
    return {
        name: tuple(mean.figures for mean in of_type.means)
        for name, of_type in pictures.types.items()
    }
