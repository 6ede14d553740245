"""The model card: what a bundle was trained on, what to expect of it, and how to use it."""

from collections.abc import Sequence

from picking.bundle.manifest import BundleManifest
from picking.files.picks_density import PicksDensity

CUBIC_MICROMETRE_IN_ANGSTROM = 1e12


def model_card(manifest: BundleManifest, density: PicksDensity) -> str:
    """Write the card as Markdown.

    Parameters
    ----------
    manifest : BundleManifest
        The bundle's manifest; its list of files is not looked at.
    density : PicksDensity
        Picks and volumes of the training runs.
    """
    config = manifest.config
    volume = sum(run.volume_cubic_angstrom for run in density.runs.values())
    runs = len(manifest.training_runs)
    types = [
        (
            particle.name,
            f"{particle.radius_angstrom:g}",
            *(
                (
                    str(score.references),
                    f"{score.fbeta:.3f}",
                    "{:.3f} to {:.3f}".format(*score.fbeta_interval_95),
                    f"{score.precision:.3f}",
                    f"{score.recall:.3f}",
                )
                if (score := manifest.types.get(particle.name)) is not None
                else ("0", "-", "-", "-", "-")
            ),
        )
        for particle in config.known_particles
    ]
    beta = f"{config.scoring.beta:g}"
    header = ("type", "radius, Å", "labelled", f"F{beta}", "95 % interval", "precision", "recall")
    return "\n".join(
        [
            f"# {config.name}: particles in cryo-electron tomograms",
            "",
            "A model bundle of tomosieve. To pick other tomograms with it:",
            "",
            "```bash",
            "snakemake --cores 8 picks --config bundle=THIS_FOLDER_OR_ZIP dataset=FOLDER name=NAME",
            "```",
            "",
            "or `copick=CONFIG.json` in place of `dataset=FOLDER`. Nothing is trained, no labels "
            "are needed. The answer is in `results/NAME/`; look at `picks_report.html` first.",
            "",
            "## What it learnt from",
            "",
            f"- {manifest.data}: {runs} labelled runs, "
            f"{volume / CUBIC_MICROMETRE_IN_ANGSTROM:.3g} µm³ in all",
            f"- tomograms of the kind `{config.tomo_type}`, "
            f"voxels of {manifest.voxel_angstrom:g} Å",
            f"- {len(manifest.members) * manifest.folds} networks ({', '.join(manifest.members)}, "
            f"each in {manifest.folds} folds), computed in {manifest.precision}",
            f"- made on {manifest.made_at} with "
            + ", ".join(f"{name} {version}" for name, version in manifest.made_by.items()),
            "",
            "## What to expect",
            "",
            f"In cross-validation, on runs that the models had not seen, it scores "
            f"{manifest.score:.3f}. Expect as much of tomograms that look like the training runs, "
            "and less of others: the page of the picks says how alike they are.",
            "",
            *_table(header, types),
            "",
            "`labelled` counts the particles that were learnt from. With few of them, the interval "
            "says more than the score.",
            "",
        ]
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
