"""What people put into our folders stays, whatever is made again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from picking.errors import InputError
from picking.files.own_files import list_of_own_files, own_files


def make(
    folder: Path, named_as_ours: Callable[[Path], bool] = lambda _: False, **contents: str
) -> None:
    with own_files(folder, named_as_ours=named_as_ours) as unfinished:
        for name, text in contents.items():
            path = unfinished / "run" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "overlay", ours="1", former="1")
    return tmp_path / "overlay"


def test_our_files_are_replaced_and_former_ones_removed(folder: Path) -> None:
    make(folder, ours="2")
    assert files(folder) == {"ours": "2"}
    make(folder)
    assert list(folder.iterdir()) == []  # no empty folder is left of a run that has gone
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".json"] == ["overlay"]


def test_a_persons_files_stay(folder: Path) -> None:
    (folder / "run" / "theirs").write_text("curated")
    (folder / "another").mkdir()
    (folder / "another" / "too").write_text("curated")
    for content in ("2", "3"):
        make(folder, ours=content)
        assert files(folder) == {"ours": content, "theirs": "curated", "too": "curated"}
    make(folder)
    assert files(folder) == {"theirs": "curated", "too": "curated"}


def test_a_former_file_that_a_person_changed_stays(folder: Path) -> None:
    (folder / "run" / "former").write_text("curated")
    make(folder, ours="2")
    assert files(folder) == {"ours": "2", "former": "curated"}


@pytest.mark.parametrize("put", ["changed", "link", "folder", "dangling"])
def test_what_a_person_put_in_the_place_of_ours_is_not_overwritten(
    folder: Path, tmp_path: Path, put: str
) -> None:
    path = folder / "run" / "ours"
    path.unlink()
    if put == "changed":
        path.write_text("curated")
    elif put == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
        if put == "link":
            (tmp_path / "elsewhere").write_text("1")
    with pytest.raises(InputError, match="ours: was not written by this workflow"):
        make(folder, ours="2", former="2")
    assert (folder / "run" / "former").read_text() == "1"
    assert not list(folder.parent.glob("*unfinished*"))


def test_without_a_list_only_the_name_tells(folder: Path) -> None:
    list_of_own_files(folder).unlink()
    with pytest.raises(InputError, match="was not written by this workflow"):
        make(folder, ours="2")
    make(folder, ours="1")  # what we would write ourselves is no loss
    list_of_own_files(folder).unlink()
    make(folder, named_as_ours=lambda path: path.name != "theirs", ours="3")
    assert files(folder) == {"ours": "3"}  # a former one of ours is not left behind


def test_with_a_list_a_name_tells_nothing(folder: Path) -> None:
    (folder / "run" / "ours").write_text("curated")
    with pytest.raises(InputError, match="changed since"):
        make(folder, named_as_ours=lambda _: True, ours="2")
    assert files(folder)["ours"] == "curated"


def test_a_damaged_list_tells_nothing(folder: Path) -> None:
    list_of_own_files(folder).write_text("{")
    with pytest.raises(InputError, match="was not written by this workflow"):
        make(folder, ours="2")


def test_a_persons_file_where_a_folder_of_ours_has_to_stand(tmp_path: Path) -> None:
    folder = tmp_path / "overlay"
    folder.mkdir()
    (folder / "run").write_text("curated")
    with pytest.raises(InputError, match="run: was not written by this workflow"):
        make(folder, ours="1")
    assert files(folder) == {"run": "curated"}


def test_a_link_to_a_folder_elsewhere_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "another").mkdir()
    link = tmp_path / "another" / "link"
    link.symlink_to(folder)
    make(link, ours="2")
    assert files(folder) == {"ours": "2"}
    assert [path.name for path in (tmp_path / "another").iterdir()] == ["link"]


def test_a_stop_half_way_leaves_our_files_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def stop_at_former(path: Path, target: Path) -> Path:
        if target.name == "former":
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop_at_former)
        with pytest.raises(KeyboardInterrupt):
            make(folder, former="2", another="2")
    make(folder, ours="3", another="3", former="3")
    assert files(folder) == {"ours": "3", "another": "3", "former": "3"}
    assert set(json.loads(list_of_own_files(folder).read_text())) == {
        "run/ours",
        "run/another",
        "run/former",
    }


def test_a_failure_changes_nothing(folder: Path) -> None:
    def fail() -> None:
        with own_files(folder) as unfinished:
            (unfinished / "half").touch()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert files(folder) == {"ours": "1", "former": "1"}
    assert not list(folder.parent.glob("*unfinished*"))
