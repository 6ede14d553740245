import pytest

from picking.files.whole_files import whole_path, write_whole_text


def test_file_appears_with_missing_parents_and_nothing_else(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    write_whole_text(path, "Å")
    assert path.read_text(encoding="utf-8") == "Å"
    assert list(path.parent.iterdir()) == [path]


def test_nothing_stands_at_the_path_before_the_block_ends(tmp_path):
    path = tmp_path / "file.csv"
    with whole_path(path) as unfinished:
        unfinished.write_text("x")
        assert not path.exists()
        assert unfinished.suffix == path.suffix
    assert path.read_text() == "x"


def test_failure_leaves_what_was_there_and_no_trace(tmp_path):
    path = tmp_path / "result"
    write_whole_text(path, "old")

    def fail():
        with whole_path(path) as unfinished:
            unfinished.write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_never_replaced_by_a_file(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "a_persons").touch()
    with pytest.raises(OSError, match="folder"):
        write_whole_text(path, "x")
    assert [item.name for item in path.iterdir()] == ["a_persons"]
