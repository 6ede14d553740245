"""Bundle the models of a finished result, to pick other tomograms with.

Written are FOLDER, laid out like the result, with a manifest and a model card (README.md), and ZIP,
which holds the same. Either picks: snakemake picks --config bundle=FOLDER_OR_ZIP dataset=...
"""

import hashlib
import shutil
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from picking.bundle.manifest import (
    CARD_NAME,
    MANIFEST_NAME,
    BundledFile,
    BundleManifest,
    TypeScore,
    result_files,
)
from picking.command_line import command_parser, run_command
from picking.config import (
    PicksSettings,
    PipelineConfig,
    PretrainingSettings,
    SyntheticSettings,
    load_config,
)
from picking.config.mrc import MrcSettings
from picking.config.stage1_proposals import NOTHING
from picking.data_in.import_check import ImportCheck
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.json_models import read_model
from picking.files.own_files import own_files
from picking.files.picks_density import PicksDensity
from picking.files.precision import Precision
from picking.files.whole_files import whole_path
from picking.scoring.folds import Folds
from stage2_rerank.model_bundle.model_card import model_card
from stage2_rerank.report.content import ReportContent

# What the numbers of a result depend on, besides tomosieve itself.
PACKAGES = ("tomosieve", "torch", "segmentation-models-pytorch-3d", "lightgbm", "numpy", "scipy")
# A zip file's time is local and has no zone: a fixed one keeps it the same for the same content.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
# Of the card, until it is written.
NO_CHECKSUM = "0" * 64


def make_bundle(
    config: PipelineConfig,
    results: Path,
    members: Sequence[str],
    data: str,
    folder: Path,
    archive: Path,
) -> BundleManifest:
    """Write the bundle of a result.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration of the training.
    results : Path
        Folder of the finished result.
    members : sequence of str
        Names of the ensemble's members.
    data : str
        What it was trained on, in words.
    folder : Path
        Folder to write to; files of others in it stay.
    archive : Path
        Zip file to write.

    Returns
    -------
    BundleManifest

    Raises
    ------
    InputError
        If a file of the result is missing.
    """
    folds = Folds.read(results / "folds.json")
    density = PicksDensity.read(results / "picks_density.json")
    report = read_model(
        results / "cv_report.json",
        ReportContent,
        problem="is not a cross-validation report",
        if_missing="make the report first",
    )
    # Paths and whom picks are written under are the maker's own business, and the synthetic
    # settings no part of what was learnt.
    without_paths: dict[str, object] = {
        "dataset": None,
        "copick": None,
        "tomograms": None,
        "picks": None,
        "masks": None,
        "bundle": None,
        "particles": tuple(
            particle.model_copy(update={"structure": None}) for particle in config.known_particles
        ),
    }
    stage1 = config.stage1_proposals
    if isinstance(stage1.start, Path):
        without_paths["stage1_proposals"] = stage1.model_copy(update={"start": NOTHING})
    others = {
        "synthetic": SyntheticSettings(),
        "pretraining": PretrainingSettings(),
        "final_picks": PicksSettings(),
        "mrc": _learnt_contrast(config, results),
    }
    bundled = config.model_copy(update=without_paths | others)
    scores = {
        name: TypeScore(
            fbeta=figures.fbeta,
            fbeta_interval_95=figures.interval_95,
            precision=figures.precision,
            recall=figures.recall,
            references=figures.tp + figures.fn,
        )
        for name, figures in report.two_stage.per_type.items()
    }
    names = result_files(bundled, members, folds.number, config.needs_averages)
    with own_files(folder) as unfinished:
        for name in names:
            target = unfinished / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(results / name, target)
            except FileNotFoundError:
                raise InputError(
                    results / name, "there is no such file", "run the pipeline to the end first"
                ) from None

        files = {name: _bundled(unfinished / name) for name in names}
        unwritten = BundleManifest(
            format=2,
            made_by=_versions(),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            data=data,
            config=bundled,
            precision=Precision.read(results / "stage1" / "precision.json").precision,
            members=tuple(members),
            folds=folds.number,
            training_runs=folds.runs,
            score=report.two_stage.score,
            types=scores,
            files=files | {CARD_NAME: BundledFile(bytes=0, sha256=NO_CHECKSUM)},
        )
        (unfinished / CARD_NAME).write_text(model_card(unwritten, density), encoding="utf-8")
        files[CARD_NAME] = _bundled(unfinished / CARD_NAME)
        made = unwritten.model_copy(update={"files": files})
        made.write(unfinished / MANIFEST_NAME)
        _write_archive(unfinished, [MANIFEST_NAME, CARD_NAME, *names], archive)
    return made


def _learnt_contrast(config: PipelineConfig, results: Path) -> MrcSettings:
    """Note whether the grey values of MRC files changed their sign before they were learnt from."""
    if config.tomograms is None:
        return MrcSettings()
    check = ImportCheck.read(results / "import_check.json")
    return MrcSettings(invert_contrast=check.is_inverted)


def _bundled(path: Path) -> BundledFile:
    content = path.read_bytes()
    return BundledFile(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _write_archive(folder: Path, names: Sequence[str], archive: Path) -> None:
    with (
        whole_path(archive) as unfinished,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in names:
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            written.writestr(entry, (folder / name).read_bytes())


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue  # run from a checkout that is not installed
    return versions


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the result")
    parser.add_argument("--members", nargs="+", required=True, help="members of the ensemble")
    parser.add_argument("--data", required=True, help="source of the tomograms, in words")
    parser.add_argument("--folder", type=Path, required=True, help="folder to write to")
    parser.add_argument("--zip", type=Path, required=True, help="zip file to write")
    arguments = parser.parse_args(argv)
    manifest = make_bundle(
        resolve(load_config(arguments.config)),
        arguments.results,
        arguments.members,
        arguments.data,
        arguments.folder,
        arguments.zip,
    )
    size = sum(file.bytes for file in manifest.files.values())
    print(f"bundle of {size / 1e6:.1f} MB: {arguments.folder}, {arguments.zip}")


if __name__ == "__main__":
    run_command(main)
