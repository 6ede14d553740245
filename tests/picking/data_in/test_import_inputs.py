import json
import math
from pathlib import Path

import pytest

from picking.config import PipelineConfig
from picking.data_in.import_inputs import ImportInputs, import_inputs
from picking.data_in.inventory import resolve
from tests.conftest import TINY_SHAPE_ZYX
from tests.picking.data_in.test_import_copick import copick_project


def names(files, root):
    return [str(Path(path).relative_to(root)) for path in files.paths]


def test_a_kaggle_folders_tomograms_and_picks(kaggle_dataset):
    config = resolve(PipelineConfig(dataset=kaggle_dataset))
    train = import_inputs(config, "train", ["TS_2_2"])
    picks = "train/overlay/ExperimentRuns/TS_2_2/Picks"
    assert names(train, kaggle_dataset) == [
        "train/static/ExperimentRuns/TS_2_2/VoxelSpacing10.000/denoised.zarr/.zattrs",
        f"{picks}/apo-ferritin.json",
        f"{picks}/ribosome.json",
    ]
    assert train.voxels == {"TS_2_2": math.prod(TINY_SHAPE_ZYX)}
    test = import_inputs(config, "test", ["TS_9_9", "TS_0_0"])
    assert names(test, kaggle_dataset) == [
        "test/static/ExperimentRuns/TS_9_9/VoxelSpacing10.000/denoised.zarr/.zattrs"
    ]


def test_of_a_copick_project_the_picks_that_count(tmp_path):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), "static"))
    config = resolve(PipelineConfig(copick=path, truth={"user_id": "me"}))
    train = import_inputs(config, "train", ["R1"])
    assert names(train, tmp_path) == [
        "overlay/ExperimentRuns/R1/Picks/me_1_mine.json",
        "static/ExperimentRuns/R1/VoxelSpacing10.000/denoised.zarr/.zattrs",
    ]
    assert list(train.voxels) == ["R1"]
    test = import_inputs(config, "test", ["R3"])
    assert names(test, tmp_path) == [
        "static/ExperimentRuns/R3/VoxelSpacing10.000/denoised.zarr/.zattrs",
    ]


def test_picks_that_are_no_files_here_are_told_apart_by_their_names(tmp_path, monkeypatch):
    path = copick_project(tmp_path, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), "static"))
    monkeypatch.setattr(Path, "is_file", lambda path: False)

    def digest(user_id):
        config = resolve(PipelineConfig(copick=path, truth={"user_id": user_id}))
        files = import_inputs(config, "train", ["R1", "R2"])
        assert files == ImportInputs(
            (), files.digest, files.voxels, files.tomograms, stamps=files.stamps
        )
        return files.digest

    assert digest("me") == digest("me")
    assert len({digest("me"), digest("you"), digest(None), ""}) == 4


def test_without_a_source_there_is_nothing_to_list():
    with pytest.raises(ValueError, match="no data are given"):
        import_inputs(PipelineConfig(), "train", [])


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"color": [1, 2, 3, 255]}, False),
        ({"label": 7}, False),
        ({"pdb_id": "1ABC"}, False),
        ({"emdb_id": "EMD-2"}, False),
        ({"map_threshold": 0.5}, False),
        ({"metadata": {"note": "rare"}}, False),
        ({"radius": 50}, True),
        ({"identifier": "GO:1"}, True),
    ],
)
def test_what_an_object_looks_like_imports_nothing_again(tmp_path, change, again):
    assert (
        changes_digest(tmp_path, lambda content: content["pickable_objects"][0].update(change))
        == again
    )


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"name": "Another", "description": "of it", "version": "1.31"}, False),
        ({"static_fs_args": {"anon": True}}, True),
        ({"some_key": 1}, True),
    ],
)
def test_what_a_project_is_called_imports_nothing_again(tmp_path, change, again):
    assert changes_digest(tmp_path, lambda content: content.update(change)) == again


def changes_digest(folder, change):
    path = copick_project(folder, tomograms_in=dict.fromkeys(("R1", "R2", "R3"), "static"))

    def digest():
        config = resolve(PipelineConfig(copick=path, truth={"user_id": "me"}))
        return import_inputs(config, "train", ["R1", "R2"]).digest

    before = digest()
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return digest() != before
