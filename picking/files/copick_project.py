"""copick projects: opening one, finding a tomogram in it, and writing a configuration of our own.

copick is imported when it is needed: the Snakefile imports this module at parse time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from picking.config import ParticleType
from picking.errors import REFUSED_BY_FILE_SYSTEM, InputError, in_one_line
from picking.files.copick_access import (
    ARGUMENT_KEYS,
    with_kept_arguments,
    with_shown_arguments,
    without_credentials,
)
from picking.files.portal_cache import is_on_portal, with_portal_cache

if TYPE_CHECKING:
    from copick.models import CopickRoot, CopickRun, CopickTomogram, CopickVoxelSpacing
    from fsspec import AbstractFileSystem

RUNS_FOLDER = "ExperimentRuns"
Root = Literal["static", "overlay"]
ROOTS = tuple(f"{root}_root" for root in get_args(Root))
# Keys of a project, and of a pickable object, that describe it to people and change nothing that is
# picked. An object's identifier is none of them: on the data portal it says which picks are meant.
DESCRIBES_PROJECT = ("name", "description", "version")
DESCRIBES_OBJECT = ("color", "label", "pdb_id", "emdb_id", "map_threshold", "metadata")
LOCAL_PROTOCOLS = ("local://", "file://")
# What fsspec calls the file system of this machine.
LOCAL_FILE_SYSTEM = "file"
# copick lists folders with glob patterns and does not escape them.
GLOB_CHARACTERS = "*?["


def open_project(copick_config: Path) -> CopickRoot:
    """Open a copick project.

    Parameters
    ----------
    copick_config : Path
        copick's JSON configuration file.

    Raises
    ------
    InputError
        If the file cannot be read or is not a copick configuration.
    """
    import copick

    content = with_kept_arguments(read_config(copick_config))
    if is_on_portal(content):
        content = with_portal_cache(content)
    try:
        with remote_errors(copick_config):
            project = copick.from_string(json.dumps(content))
            if is_on_portal(content):
                # From here on copick finds runs in this list, and asks the portal no more.
                _ = project.runs
            return project
    except OSError as error:
        raise InputError(
            copick_config, f"cannot be read ({error.strerror})", "check the path"
        ) from None
    except (ValueError, TypeError, KeyError, ImportError) as error:
        raise InputError(
            copick_config, f"is not a copick configuration ({in_one_line(error)})", "fix the file"
        ) from None


@contextmanager
def remote_errors(copick_config: Path) -> Iterator[None]:
    """Turn what a project elsewhere raises when it cannot be reached into one line.

    Its back ends (S3, SSH, https, the data portal) share no exception; of a project of local
    folders everything is raised as it is.

    Raises
    ------
    InputError
        It names the project.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        refused_here = isinstance(error, OSError) and error.errno in REFUSED_BY_FILE_SYSTEM
        if refused_here or is_all_local(copick_config):
            raise
        raise InputError(
            copick_config,
            f"its project cannot be reached ({type(error).__name__}: {in_one_line(error)})",
            "check the addresses, the connection and your credentials",
        ) from None


def is_all_local(copick_config: Path) -> bool:
    """Whether a project is made of folders of this machine alone."""
    content = read_config(copick_config)
    roots = [content.get(key) for key in ROOTS]
    return content.get("config_type", "filesystem") == "filesystem" and all(
        is_local(url) for url in roots if isinstance(url, str)
    )


def tomogram_or_none(
    project: CopickRoot, run: str, tomo_type: str, voxel_spacing: float
) -> CopickTomogram | None:
    """Find a tomogram of a project, the read-only one first; None where there is none."""
    copick_run = project.get_run(run)
    spacing = None if copick_run is None else _voxel_spacing(copick_run, voxel_spacing)
    tomograms = [] if spacing is None else spacing.get_tomograms(tomo_type)
    return tomograms[0] if tomograms else None


def _voxel_spacing(run: CopickRun, voxel_spacing: float) -> CopickVoxelSpacing | None:
    """Find a voxel spacing of a run; copick would ask the data portal for it each time."""
    if not hasattr(run, "portal_run_id"):
        return run.get_voxel_spacing(voxel_spacing)
    # As copick names folders: to three decimals.
    wanted = f"{voxel_spacing:.3f}"
    return next((one for one in run.voxel_spacings if f"{one.voxel_size:.3f}" == wanted), None)


def find_tomogram(
    project: CopickRoot, copick_config: Path, run: str, tomo_type: str, voxel_spacing: float
) -> CopickTomogram:
    """Find a tomogram of a project.

    Raises
    ------
    InputError
        If the project lacks the run, or the run the tomogram.
    """
    tomogram = tomogram_or_none(project, run, tomo_type, voxel_spacing)
    if tomogram is None:
        raise InputError(
            f"{copick_config}, run {run}",
            f"has no tomogram '{tomo_type}' of voxel spacing {voxel_spacing:.3f}",
            "add the tomogram, leave out the run, or set tomo_type and voxel_spacing",
        )
    return tomogram


def tomogram_location(tomogram: CopickTomogram) -> str:
    """Name the place of a tomogram for messages: its path where it has one."""
    attribute = "static_path" if getattr(tomogram, "read_only", False) else "overlay_path"
    path = getattr(tomogram, attribute, None)
    return str(path) if path else f"run {tomogram.voxel_spacing.run.name}, {tomogram.tomo_type}"


def filesystem_config(
    static_root: Path, overlay_root: Path, particles: Iterable[ParticleType]
) -> dict[str, Any]:
    """Make a copick configuration with a read-only and an overlay folder.

    Raises
    ------
    InputError
        If copick could not list the folders.
    """
    return {
        "config_type": "filesystem",
        "name": "tomosieve",
        "description": "Tomograms and picks of one run of the tomosieve pipeline.",
        "static_root": local_url(static_root),
        "static_fs_args": {},
        "overlay_root": local_url(overlay_root),
        "overlay_fs_args": {"auto_mkdir": True},
        "pickable_objects": pickable_objects(particles),
    }


def pickable_objects(
    particles: Iterable[ParticleType], described: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Describe particle types as copick's pickable objects.

    Parameters
    ----------
    particles : iterable of ParticleType
        The types.
    described : sequence of mapping
        Objects of the user's own configuration, whose other keys (a portal identifier, a map
        threshold) are kept.
    """
    by_name = {item.get("name"): item for item in described}
    return [
        {
            **by_name.get(particle.name, {}),
            "name": particle.name,
            "is_particle": True,
            "label": particle.label,
            "radius": particle.radius_angstrom,
            "color": list(particle.color),
            **({"pdb_id": particle.pdb_id} if particle.pdb_id else {}),
        }
        for particle in particles
    ]


def with_overlay(
    copick_config: Path,
    overlay_root: Path,
    particles: Iterable[ParticleType],
    static: Root = "static",
) -> dict[str, Any]:
    """Make a configuration of the same project whose overlay is another folder.

    Credentials are left out of it; :func:`open_project` finds them where they are.

    Parameters
    ----------
    copick_config : Path
        copick configuration of the project.
    overlay_root : Path
        Folder that takes the place of the project's overlay.
    particles : iterable of ParticleType
        Pickable objects of the new configuration.
    static : {"static", "overlay"}
        Root of the project whose arguments become those of the read-only root.
    """
    content = read_config(copick_config)
    sources = {key: key for key in ARGUMENT_KEYS if key in content}
    if static == "overlay":
        sources["static_fs_args"] = "overlay_fs_args"
    sources.pop("overlay_fs_args", None)
    content = with_shown_arguments(content, copick_config, sources)
    content["overlay_root"] = local_url(overlay_root)
    content["overlay_fs_args"] = {"auto_mkdir": True}
    content["pickable_objects"] = pickable_objects(particles, content.get("pickable_objects", ()))
    return content


def read_config(copick_config: Path) -> dict[str, Any]:
    """Read a copick configuration as it stands.

    Raises
    ------
    InputError
        If the file cannot be read or is not a JSON object.
    """
    try:
        content = json.loads(Path(copick_config).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            copick_config, f"cannot be read ({error.strerror})", "check the path"
        ) from None
    except ValueError as error:
        raise InputError(copick_config, f"is not a JSON file ({error})", "fix the file") from None
    if not isinstance(content, dict):
        raise InputError(copick_config, "is not a copick configuration", "fix the file")
    return content


def project_digest(copick_config: Path) -> str:
    """Digest of what a project's configuration says of its data.

    What only describes it to people does not count, nor do credentials.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    content = _without(DESCRIBES_PROJECT, read_config(copick_config))
    for key in ARGUMENT_KEYS:
        if isinstance(content.get(key), dict):
            content[key] = without_credentials(content[key])
    objects = content.get("pickable_objects")
    if isinstance(objects, list):
        content["pickable_objects"] = [_without(DESCRIBES_OBJECT, item) for item in objects]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _without(keys: Sequence[str], content: Any) -> Any:
    if not isinstance(content, dict):
        return content  # which copick refuses
    return {key: value for key, value in content.items() if key not in keys}


def local_url(folder: Path) -> str:
    """URL of a local folder, absolute: copick takes a relative one from where it is started.

    Raises
    ------
    InputError
        If copick could not list the folder.
    """
    absolute = Path(folder).absolute()
    if any(character in str(absolute) for character in GLOB_CHARACTERS):
        raise InputError(
            absolute,
            f"copick cannot list folders with {GLOB_CHARACTERS} in their path",
            "rename it",
        )
    return f"{LOCAL_PROTOCOLS[0]}{absolute}"


def is_local(url: str) -> bool:
    """Whether a copick root is a folder of this machine."""
    return "://" not in url or url.startswith(LOCAL_PROTOCOLS)


def is_on_this_machine(files: AbstractFileSystem) -> bool:
    """Whether a file system is that of this machine; copick wraps it to reconnect, so ask it."""
    protocol = files.protocol
    return LOCAL_FILE_SYSTEM in ((protocol,) if isinstance(protocol, str) else protocol)
