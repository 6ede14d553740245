"""Print the catalogue of features as a Markdown table: name, unit, family and one line each."""

from collections.abc import Sequence
from typing import Protocol

from features import (
    averages,
    context,
    embedding,
    gradient,
    harmonics,
    intensity,
    mask,
    score_map,
    shape,
    symmetry,
    templates,
    texture,
    type_maps,
)
from features.feature import Feature, Measured
from features.run_context import RunContext
from features.subtomograms import Subtomograms
from picking.command_line import command_parser, run_command
from picking.config import FamilyName, FeatureSettings, load_config
from picking.data_in.inventory import resolve
from picking.files.embedding import embedding_channels


class ImageFamily(Protocol):
    """A module that measures cubes of one particle type, each for itself."""

    def declared(self, settings: FeatureSettings, /) -> tuple[Feature, ...]:
        """Features of the family, in the order of the table."""

    def measure(self, subtomograms: Subtomograms, settings: FeatureSettings, /) -> Measured:
        """Values (n,) of n cubes by feature name."""


class RunFamily(Protocol):
    """A module that measures all candidates of a run together."""

    def declared(self, settings: FeatureSettings, names: Sequence[str], /) -> tuple[Feature, ...]:
        """Features of the family; ``names`` are particle types or embedding channels."""

    def measure(self, run_context: RunContext, settings: FeatureSettings, /) -> Measured:
        """Values (n,) of the run's n candidates by feature name."""


IMAGE_FAMILIES: dict[FamilyName, ImageFamily] = {
    "intensity": intensity,
    "gradient": gradient,
    "shape": shape,
    "texture": texture,
    "symmetry": symmetry,
    "harmonics": harmonics,
}
RUN_FAMILIES: dict[FamilyName, RunFamily] = {
    "score_map": score_map,
    "context": context,
    "embedding": embedding,
    "templates": templates,
    "averages": averages,
    "type_maps": type_maps,
    "mask": mask,
}


def family_features(
    family: FamilyName,
    settings: FeatureSettings,
    particle_types: Sequence[str],
    embedding_names: Sequence[str],
) -> tuple[Feature, ...]:
    """Declare the features of one family, in their order; parameters as in :func:`catalogue`."""
    if family in IMAGE_FAMILIES:
        return IMAGE_FAMILIES[family].declared(settings)
    names = embedding_names if family == "embedding" else particle_types
    return RUN_FAMILIES[family].declared(settings, names)


def catalogue(
    settings: FeatureSettings, particle_types: Sequence[str], embedding_names: Sequence[str]
) -> tuple[Feature, ...]:
    """Declare every feature of a configuration, in the order of the feature tables.

    Parameters
    ----------
    settings : FeatureSettings
        Section ``features``.
    particle_types : sequence of str
        Names of the particle types, in the configuration's order.
    embedding_names : sequence of str
        Names of the embedding channels that stage 1 writes.

    Returns
    -------
    tuple of Feature
    """
    return tuple(
        feature
        for family in settings.families
        for feature in family_features(family, settings, particle_types, embedding_names)
    )


def catalogue_markdown(features: Sequence[Feature]) -> str:
    """Write features as a Markdown page."""
    lines = [
        "# Features",
        "",
        "What stage 2 knows about each candidate. This page is the output of",
        "`python -m features.catalogue --config config/config.yaml`.",
        "",
        "Names mean the same for every particle type. Lengths are in radii of the candidate's own",
        "type. Intensities are in standard deviations of the tomogram (sigma; particles are dark,",
        'so negative). "Own" is the candidate\'s own type. The body of a particle is the ball of',
        "one radius; its surround is the shell from 1.15 to 1.5 radii.",
        "",
        f"{len(features)} features.",
        "",
        *_table(features),
    ]
    if all(feature.family != "mask" for feature in features):
        of_masks = _table(mask.declared(FeatureSettings(), ()))
        lines += ["", "With [masks](your_data.md#masks) there is one more:", "", *of_masks]
    return "\n".join(lines) + "\n"


def _table(features: Sequence[Feature]) -> list[str]:
    lines = ["| feature | unit | family | meaning |", "|---|---|---|---|"]
    for feature in features:
        cells = (f"`{feature.name}`", feature.unit, feature.family, feature.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and print."""
    parser = command_parser(__doc__)
    parser.add_argument(
        "--embedding-names",
        nargs="*",
        help="embedding channels (default: those of stage 1, fine and coarse for each type)",
    )
    arguments = parser.parse_args(argv)
    config = resolve(load_config(arguments.config))
    names = tuple(particle.name for particle in config.known_particles)
    channels = arguments.embedding_names
    if channels is None:
        channels = embedding_channels(names)
    print(catalogue_markdown(catalogue(config.features, names, channels)), end="")


if __name__ == "__main__":
    run_command(main)
