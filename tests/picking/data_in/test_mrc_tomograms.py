"""MRC files become runs; their voxel size is the headers' unless it is given."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picking.config import PipelineConfig
from picking.data_in.inventory import list_runs, resolve
from picking.data_in.mrc_tomograms import bare_name, mrc_tomograms, with_voxel_spacing
from picking.data_in.run_inventory import RunInventory
from picking.errors import InputError
from tests.mrc_data import PICKED, UNPICKED, MrcData, write_mrc, write_mrc_data

NOTHING = np.zeros((4, 4, 4), np.float32)


@pytest.fixture
def data(tmp_path: Path) -> MrcData:
    return write_mrc_data(tmp_path)


def configured(data: MrcData, **changes: Any) -> PipelineConfig:
    return PipelineConfig(**{**data.content, **changes})


def test_names_without_folders_and_endings() -> None:
    names = ["TS_1", "a/TS_1.mrc", "TS_1.rec", "TS_1.MRC.gz", "TS_1.tomostar", "b\\TS_1.st"]
    assert {bare_name(name) for name in names} == {"TS_1"}
    assert bare_name("rec_TS_1_10.00Apx.mrc") == "rec_TS_1_10.00Apx"


def test_a_folder_a_pattern_or_a_list(tmp_path: Path) -> None:
    one = write_mrc(tmp_path / "a" / "TS_1.mrc", NOTHING)
    two = write_mrc(tmp_path / "b" / "TS_2.rec", NOTHING)
    three = tmp_path / "b" / "TS_3.mrc.gz"
    three.write_bytes(gzip.compress(one.read_bytes()))
    (tmp_path / "b" / "notes.txt").touch()
    (tmp_path / "b" / "._TS_9.mrc").touch()
    whole = {"TS_1": one, "TS_2": two, "TS_3": three}

    def found(*tomograms: str) -> dict[str, Path]:
        return mrc_tomograms(PipelineConfig(tomograms=tomograms))

    assert found(f"{tmp_path}/b") == {"TS_2": two, "TS_3": three}
    assert found(f"{tmp_path}/*/TS_*") == whole
    assert found(f"{tmp_path}/**/*.mrc") == {"TS_1": one}
    assert found(str(one), f"{tmp_path}/b") == whole
    assert mrc_tomograms(PipelineConfig(tomograms=str(one))) == {"TS_1": one}


def test_what_leads_nowhere_is_named(tmp_path: Path) -> None:
    for entry in (tmp_path / "absent", tmp_path / "*.mrc"):
        with pytest.raises(InputError, match="no such file or folder, and as a pattern it fits"):
            mrc_tomograms(PipelineConfig(tomograms=str(entry)))
    with pytest.raises(InputError, match=r"holds no file that ends in \.mrc"):
        mrc_tomograms(PipelineConfig(tomograms=str(tmp_path)))
    for folder in "ab":
        write_mrc(tmp_path / folder / "TS_1.mrc", NOTHING)
    with pytest.raises(InputError, match=r"a/TS_1\.mrc and .*b/TS_1\.mrc are both of run TS_1"):
        mrc_tomograms(PipelineConfig(tomograms=f"{tmp_path}/*/*.mrc"))


def test_runs_with_picks_are_learnt_from_and_others_are_picked(data: MrcData) -> None:
    assert list_runs(resolve(configured(data))) == RunInventory(PICKED, (UNPICKED,))
    without = resolve(configured(data, leave_out=[PICKED[1], UNPICKED]))
    assert list_runs(without) == RunInventory(PICKED[:1], ())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"particles": None}, r"particles: are not given.*radius_angstrom: 150"),
        ({"picks": None}, "picks: are not given"),
        ({"picks": {"cube": "picks.star"}}, "has a file for cube, which is not among the particle"),
        ({"leave_out": ["TS_9"]}, "leave_out: names TS_9"),
    ],
)
def test_what_is_missing_is_said(data: MrcData, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list_runs(resolve(configured(data, **changes)))


def test_the_voxel_size_is_that_of_the_headers_unless_it_is_given(tmp_path: Path) -> None:
    config = configured(write_mrc_data(tmp_path, voxel_angstrom=13.48))
    assert with_voxel_spacing(config, is_chosen=False).voxel_spacing == 13.48
    given = config.model_copy(update={"voxel_spacing": 12.0})
    assert with_voxel_spacing(given, is_chosen=True).voxel_spacing == 12.0


@pytest.mark.parametrize("size", [0.0, 1.0])
def test_a_header_without_a_voxel_size_is_refused(tmp_path: Path, size: float) -> None:
    config = configured(write_mrc_data(tmp_path, voxel_angstrom=size))
    with pytest.raises(InputError, match=rf"TS_1\.mrc: .* voxels of {size:g} x .*voxel_spacing="):
        with_voxel_spacing(config, is_chosen=False)


def test_tomograms_of_other_voxels_are_refused_or_left_out(data: MrcData) -> None:
    write_mrc(data.folder / "TS_4.mrc", NOTHING, 20.0)
    with pytest.raises(InputError, match=r"TS_4\.mrc: has voxels of 20 Å, most others 10 Å"):
        with_voxel_spacing(configured(data), is_chosen=False)
    without = configured(data, leave_out=["TS_4"])
    assert with_voxel_spacing(without, is_chosen=False).voxel_spacing == 10.0


def test_paths_are_whole(data: MrcData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data.folder.parent)
    config = configured(data, tomograms="tomograms/*.mrc", picks={"ball": "picks.star"})
    resolved = resolve(config)
    assert resolved.tomograms == (f"{data.folder}/*.mrc",)
    assert resolved.picks == {"ball": (str(data.star),)}
    assert list_runs(resolved).train == PICKED
