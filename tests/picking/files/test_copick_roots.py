"""What is said of a copick project that lists nothing."""

import errno
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fsspec.implementations.local import LocalFileSystem

from picking.errors import InputError
from picking.files.copick_project import open_project
from picking.files.copick_roots import check_picks_names, check_roots, root_problems


def project(folder: Path, **roots: str) -> Path:
    path = folder / "copick.json"
    path.write_text(json.dumps({"config_type": "filesystem", "pickable_objects": [], **roots}))
    return path


def with_run(folder: Path) -> str:
    (folder / "ExperimentRuns" / "R1").mkdir(parents=True)
    return f"local://{folder}"


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("local:///nowhere/at/all", "is not a folder that is there"),
        ("near", "is not a folder that is there, seen from "),
        ("local://", "is empty"),
        ("local://$DATA/project", "holds a variable that nothing expands here"),
        ("local://${DATA}/project", "holds a variable"),
        ("~/project", "holds a variable"),
    ],
)
def test_a_root_that_lists_nothing_is_named(root: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"overlay_root {root!r} {said}")):
        check_roots(project(tmp_path, overlay_root=root))


def test_folders_without_runs_are_told_apart(tmp_path: Path) -> None:
    empty, no_run = tmp_path / "empty", tmp_path / "no_run"
    empty.mkdir()
    (no_run / "ExperimentRuns").mkdir(parents=True)
    path = project(tmp_path, static_root=f"local://{empty}", overlay_root=f"local://{no_run}")
    with pytest.raises(InputError, match=r"static_root .* no folder ExperimentRuns; overlay_root"):
        check_roots(path)
    assert "has no run in its folder" in root_problems(path)["overlay_root"]


def unreadable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Refuse to list a folder, also where the tests are run by root, who may read everything."""
    listed = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_run(tmp_path / "closed")
    unreadable(monkeypatch, tmp_path / "closed" / "ExperimentRuns")
    with pytest.raises(InputError, match="that you have no permission to read"):
        check_roots(project(tmp_path, overlay_root=f"local://{tmp_path}/closed"))


@pytest.mark.parametrize("closed", [".", "Picks", "VoxelSpacing10.000"])
def test_picks_that_may_not_be_read_are_not_taken_for_none(
    closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / closed).mkdir(exist_ok=True)
    unreadable(monkeypatch, tmp_path / closed)
    run = SimpleNamespace(overlay_path=str(tmp_path), fs_overlay=LocalFileSystem())
    with pytest.raises(PermissionError):
        check_picks_names(run)


@pytest.mark.parametrize("root", ["static", "overlay"])
def test_a_run_of_a_project_that_may_not_be_read_is_not_taken_for_empty(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = {f"{kind}_root": with_run(tmp_path / kind) for kind in ("static", "overlay")}
    run = open_project(project(tmp_path, **roots)).get_run("R1")
    check_picks_names(run)
    unreadable(monkeypatch, tmp_path / root / "ExperimentRuns" / "R1")
    with pytest.raises(PermissionError):
        check_picks_names(run)


def test_one_root_that_lists_runs_is_enough(tmp_path: Path) -> None:
    overlay = with_run(tmp_path / "overlay")
    path = project(tmp_path, static_root=f"local://{tmp_path}/none", overlay_root=overlay)
    check_roots(path)
    assert list(root_problems(path)) == ["static_root"]


def test_roots_elsewhere_are_left_to_copick(tmp_path: Path) -> None:
    check_roots(project(tmp_path, overlay_root="s3://bucket/project"))
    path = tmp_path / "copick.json"
    path.write_text(json.dumps({"config_type": "cryoet_data_portal", "overlay_root": "none"}))
    check_roots(path)


@pytest.mark.parametrize("name", ["ribosome", "me_ribosome", "me_1_80S_ribosome", "_1_ribosome"])
def test_a_picks_file_that_is_not_named_as_copick_does(name: str, tmp_path: Path) -> None:
    picks = tmp_path / "Picks"
    picks.mkdir()
    (picks / "me_1_ribosome.json").touch()
    (picks / ".hidden.json").touch()
    run = SimpleNamespace(overlay_path=str(tmp_path), fs_overlay=LocalFileSystem())
    check_picks_names(run)
    (picks / f"{name}.json").touch()
    with pytest.raises(InputError) as caught:
        check_picks_names(run)
    assert str(caught.value).startswith(f"{picks / name}.json: is not named as copick does")
