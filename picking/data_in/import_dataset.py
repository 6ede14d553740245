"""Check one split of a data set and make it a copick project of its own.

DATASET is a folder in Kaggle's layout; it is only read. Written are OUTPUT, a copick configuration
whose read-only root is the user's data, an overlay beside it, and for training runs the truth
picks as one table. With --copick the user's own copick project is taken instead of a folder, and
with --mrc the tomograms and picks that the configuration names.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

import pandas as pd

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.config.pipeline import OnError
from picking.data_in.check_tomograms import check_repeated_runs, check_tomograms
from picking.data_in.import_masks import import_masks
from picking.data_in.import_mrc import import_mrc_test_runs, import_mrc_training_runs
from picking.data_in.imported_truth import PickedFiles
from picking.data_in.inventory import (
    Split,
    kaggle_picks,
    kaggle_static,
    resolve,
)
from picking.data_in.kaggle_picks import KagglePicks, read_kaggle_picks
from picking.data_in.other_types import nameless_types, other_types, tell_of_others
from picking.errors import InputError
from picking.files.copick_project import (
    RUNS_FOLDER,
    Root,
    filesystem_config,
    is_local,
    local_url,
    open_project,
    read_config,
    remote_errors,
    tomogram_or_none,
    with_overlay,
)
from picking.files.own_files import own_files
from picking.files.picks import loaded_picks, picks_file_name, picks_of_run, read_sets
from picking.files.truth import merged_truth
from picking.files.whole_files import write_whole_text

if TYPE_CHECKING:
    from copick.models import CopickPicks


def import_kaggle(
    config: PipelineConfig,
    dataset: Path,
    split: Split,
    runs: Sequence[str],
    output: Path,
    picked: PickedFiles | None = None,
    *,
    on_error: OnError = "stop",
    beside_training_runs: bool = True,
) -> None:
    """Import one split of a folder in Kaggle's layout.

    The truth picks are written again under copick's own names into the overlay.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    dataset : Path
        The folder; it may be read-only.
    split : "train" or "test"
        Which of its halves.
    runs : sequence of str
        Runs to import.
    output : Path
        copick configuration to write; its overlay is made beside it.
    picked : PickedFiles or None
        Files to write about the picks; only for training runs, as the others have none.
    on_error : {"skip", "stop"}
        Whether a test run that cannot be picked is only told, as long as there are others.
    beside_training_runs : bool
        Whether the folder's training runs are used as well: a test run of the same name has to be
        the same tomogram then.

    Raises
    ------
    InputError
        If a picks file or a tomogram is missing or damaged; nothing is written then.
    """
    particle_types = [particle.name for particle in config.known_particles]
    picks = [
        item
        for run in runs
        if picked is not None
        for item in read_kaggle_picks(kaggle_picks(dataset, run), run, particle_types)
    ]
    if picked is not None:
        folders = [kaggle_picks(dataset, run) for run in runs]
        tell_of_others(other_types(folders, particle_types), dataset)
    picks = [item for item in picks if config.truth.is_by(*item.author)]
    if split == "test" and beside_training_runs:
        check_repeated_runs(config, dataset, runs)
    with own_files(_overlay_of(output)) as unfinished:
        _write_overlay(picks, unfinished)

        def content(overlay: Path) -> dict[str, Any]:
            return filesystem_config(kaggle_static(dataset, split), overlay, config.known_particles)

        with TemporaryDirectory() as folder:
            checked = _write_config(content(unfinished), Path(folder) / output.name)
            sizes = check_tomograms(config, checked, runs, picked is not None, on_error, dataset)
            sets = read_sets(checked, runs, particle_types, config.truth)
            import_masks(config, checked, runs, unfinished, on_error)
        if picked is not None:
            expected: Counter[tuple[str, str]] = Counter()
            for item in picks:
                expected[item.run, item.particle_type] += item.number
            _check_nothing_is_lost(expected, sets, dataset)
            picked.write(_truth(config, sets), sizes, dataset, unfinished, config.voxel_spacing)
    _write_config(content(_overlay_of(output)), output)


def import_copick(
    config: PipelineConfig,
    copick_config: Path,
    runs: Sequence[str],
    output: Path,
    picked: PickedFiles | None = None,
    *,
    on_error: OnError = "stop",
) -> None:
    """Import one split of a copick project.

    ``output`` shows the same tomograms, with an overlay of our own, so that nothing is ever
    written into the project.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        The project's configuration file.
    runs, output, picked, on_error
        As for :func:`import_kaggle`.

    Raises
    ------
    InputError
        If picks or a tomogram are missing or damaged; nothing is written then.
    """
    sizes = check_tomograms(
        config, copick_config, runs, picked is not None, on_error, copick_config
    )
    static = _static_root(config, copick_config, runs)
    content = with_overlay(copick_config, _overlay_of(output), config.known_particles, static)
    content.update(_static_address(copick_config, static))
    with own_files(_overlay_of(output)) as unfinished:
        import_masks(config, copick_config, runs, unfinished, on_error)
        if picked is not None:
            particle_types = [particle.name for particle in config.known_particles]
            sets = read_sets(copick_config, runs, particle_types, config.truth)
            table = _truth(config, sets)
            tell_of_others(nameless_types(config, copick_config, runs), copick_config)
            with TemporaryDirectory() as folder:
                hidden = content | {"overlay_root": local_url(unfinished)}
                ours = _write_config(hidden, Path(folder) / output.name)
                _copy_hidden_picks(config, copick_config, ours, runs, unfinished)
                shown = read_sets(ours, runs, particle_types, config.truth)
            _check_nothing_is_lost(_picks_by_run_and_type(sets), shown, copick_config)
            picked.write(table, sizes, copick_config, unfinished, config.voxel_spacing)
    _write_config(content, output)


def _copy_hidden_picks(
    config: PipelineConfig,
    copick_config: Path,
    our_config: Path,
    runs: Sequence[str],
    overlay: Path,
) -> None:
    """Copy the truth picks that our configuration would not show: those of the project's overlay.

    Parameters
    ----------
    config : PipelineConfig
        Resolved; says whose picks are the truth.
    copick_config : Path
        The project.
    our_config : Path
        Our configuration, with ``overlay`` as its overlay.
    runs : sequence of str
        Training runs.
    overlay : Path
        Folder to write to.
    """
    particle_types = [particle.name for particle in config.known_particles]
    ours = open_project(our_config)
    project = open_project(copick_config)
    for run in runs:
        our_run = ours.get_run(run)
        files = [] if our_run is None else picks_of_run(our_run, particle_types, config.truth)
        shown = {_copick_name(picks) for picks in files}
        for picks in picks_of_run(project.get_run(run), particle_types, config.truth):
            if _copick_name(picks) not in shown:
                path = overlay / RUNS_FOLDER / run / "Picks" / _copick_name(picks)
                write_whole_text(path, loaded_picks(picks).model_dump_json() + "\n")


def _copick_name(picks: "CopickPicks") -> str:
    return picks_file_name(picks.user_id, picks.session_id, picks.pickable_object_name)


def _truth(config: PipelineConfig, sets: pd.DataFrame) -> pd.DataFrame:
    """Truth picks of the training runs; what was merged is told."""
    table = merged_truth(sets, config.known_particles, config.truth)
    if len(table) < len(sets):
        print(
            f"{len(sets)} picks of several users or sessions are {len(table)} particles "
            f"(truth.merge_within={config.truth.merge_within:g})",
            file=sys.stderr,
        )
    return table


def _overlay_of(output: Path) -> Path:
    return output.with_name(f"{output.stem}_overlay")


def _picks_by_run_and_type(table: pd.DataFrame) -> Counter[tuple[str, str]]:
    return Counter(zip(table["run"], table["particle_type"], strict=True))


def _check_nothing_is_lost(
    expected: Counter[tuple[str, str]], shown: pd.DataFrame, where: Path
) -> None:
    """Compare what the data hold with what our copick configuration shows of them.

    copick passes over what it cannot name.
    """
    found = _picks_by_run_and_type(shown)
    for (run, particle_type), number in expected.items():
        if found[run, particle_type] != number:
            raise InputError(
                where,
                f"run {run} holds {number} picks of {particle_type}, of which copick reads "
                f"{found[run, particle_type]}",
                "give user_id, session_id and object plain names",
            )


def _write_overlay(picks: Sequence[KagglePicks], overlay: Path) -> None:
    for item in picks:
        path = overlay / RUNS_FOLDER / item.run / "Picks" / item.copick_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item.text, encoding="utf-8")


def _write_config(content: dict[str, Any], path: Path) -> Path:
    write_whole_text(path, json.dumps(content, indent=2) + "\n")
    return path


def _static_root(config: PipelineConfig, copick_config: Path, runs: Sequence[str]) -> Root:
    """Read-only root for our configuration: the one of the project's two that has the tomograms."""
    content = read_config(copick_config)
    project = open_project(copick_config)
    tomograms = {
        run: tomogram_or_none(project, run, config.tomo_type, config.voxel_spacing) for run in runs
    }
    # A test run may lack its tomogram, which is told when it is picked.
    read_only = {
        run: tomogram.read_only for run, tomogram in tomograms.items() if tomogram is not None
    }
    names = ", ".join(run for run, is_static in read_only.items() if not is_static)
    if content.get("config_type", "filesystem") != "filesystem":
        if names:
            raise InputError(
                copick_config,
                f"the tomograms of {names} lie in the overlay of a project whose other data are "
                "elsewhere",
                "copy the runs to a copick project of folders, or set tomo_type to one that the "
                "project itself has",
            )
        return "static"
    if len(set(read_only.values())) > 1:
        raise InputError(
            copick_config,
            f"the tomograms of {names} lie in the overlay, those of other runs in the static root",
            "put the tomograms of all training runs, and of all test runs, into one of the two, or "
            "name runs in leave_out",
        )
    return "static" if all(read_only.values()) and content.get("static_root") else "overlay"


def _static_address(copick_config: Path, static: Root) -> dict[str, Any]:
    """Address of the read-only root for our configuration.

    Projects on the data portal or from a Croissant manifest name theirs by themselves.
    """
    content = read_config(copick_config)
    if content.get("config_type", "filesystem") != "filesystem":
        return {}
    url = content[f"{static}_root"]
    if is_local(url):
        url = local_url(Path(getattr(open_project(copick_config), f"root_{static}")))
    return {"static_root": url}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dataset", type=Path, help="folder in Kaggle's layout")
    source.add_argument("--copick", type=Path, help="configuration file of a copick project")
    source.add_argument("--mrc", action="store_true", help="MRC files, as configured")
    parser.add_argument("--split", required=True, choices=get_args(Split))
    parser.add_argument("--runs", nargs="*", default=[], help="the split's runs")
    parser.add_argument("--output", type=Path, required=True, help="copick configuration to write")
    parser.add_argument("--truth", type=Path, help="table of truth picks to write (training runs)")
    parser.add_argument("--density", type=Path, help="JSON to write: how many those are, by run")
    parser.add_argument(
        "--check",
        type=Path,
        help="with --mrc, JSON with what the picks say of the tomograms: written for training "
        "runs, read for test runs",
    )
    parser.add_argument(
        "--on-error", choices=get_args(OnError), default="stop", help="what a bad run does"
    )
    parser.add_argument(
        "--alone", action="store_true", help="the training runs of DATASET are not used"
    )
    arguments = parser.parse_args(argv)
    if (arguments.truth is None) != (arguments.density is None):
        parser.error("--truth and --density go together")
    picked = PickedFiles(arguments.truth, arguments.density) if arguments.truth else None
    config = load_config(arguments.config)
    config = resolve(
        config.model_copy(update={"dataset": arguments.dataset, "copick": arguments.copick})
    )
    if arguments.mrc:
        runs, output, check = arguments.runs, arguments.output, arguments.check
        if picked is None:
            import_mrc_test_runs(config, runs, output, check, arguments.on_error)
        elif check is None:
            parser.error("--mrc with --truth needs --check")
        else:
            import_mrc_training_runs(config, runs, output, picked, check)
    elif arguments.copick is not None:
        with remote_errors(arguments.copick):
            import_copick(
                config,
                arguments.copick,
                arguments.runs,
                arguments.output,
                picked,
                on_error=arguments.on_error,
            )
    else:
        import_kaggle(
            config,
            arguments.dataset,
            arguments.split,
            arguments.runs,
            arguments.output,
            picked,
            on_error=arguments.on_error,
            beside_training_runs=not arguments.alone,
        )


if __name__ == "__main__":
    run_command(main)
