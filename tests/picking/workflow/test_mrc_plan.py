"""The plan where data are MRC files: what is read, what is noticed, what a bundle picks."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from picking.config import CZII_PARTICLES, PipelineConfig
from picking.errors import InputError
from picking.workflow.make_plan import make_plan
from picking.workflow.plan import ResultPlan
from tests.mrc_data import PICKED, SHAPE_ZYX, UNPICKED, MrcData, write_mrc_data
from tests.picking.workflow.test_picking_plan import write_manifest


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MrcData:
    monkeypatch.chdir(tmp_path)
    return write_mrc_data(tmp_path, voxel_angstrom=10.02)


def planned(data: MrcData, **changes: Any) -> ResultPlan:
    given = {**data.content, **changes}
    # As Snakemake reads it: every key is there, with its default.
    content = PipelineConfig().model_dump(mode="json") | given
    return make_plan(content, "here", given=given)


def test_what_an_import_reads(data: MrcData) -> None:
    plan = planned(data)
    assert (plan.runs.train, plan.runs.test) == (PICKED, (UNPICKED,))
    files = [str(data.folder / f"{run}.mrc") for run in PICKED]
    assert plan.source_files("train") == [*files, str(data.star)]
    assert plan.source_files("test") == [str(data.folder / f"{UNPICKED}.mrc")]
    assert plan.source_arguments == "--mrc"
    assert str(data.folder) in plan.data_source
    assert plan.import_settings == [
        "results/mine/settings/data.yaml",
        "results/mine/settings/mrc.yaml",
    ]
    assert plan.check_argument == "--check results/mine/import_check.json"
    voxels = SHAPE_ZYX[0] * SHAPE_ZYX[1] * SHAPE_ZYX[2]
    assert plan.inputs["train"].voxels == dict.fromkeys(PICKED, voxels)


def test_the_voxel_spacing_is_the_headers_unless_it_is_given(data: MrcData) -> None:
    assert planned(data).config.voxel_spacing == 10.02
    assert planned(data, voxel_spacing=10.0).config.voxel_spacing == 10.0
    # Changed in the default configuration itself: no key is given, the value is another.
    content = PipelineConfig().model_dump(mode="json") | data.content | {"voxel_spacing": 9.9}
    assert make_plan(content, "here", given=data.content).config.voxel_spacing == 9.9


def test_a_replaced_tomogram_and_another_contrast_are_another_training(data: MrcData) -> None:
    before = planned(data).training_data
    assert planned(data).training_data == before
    inverted = planned(data, mrc={"invert_contrast": True})
    assert inverted.training_data != before
    assert inverted.project_elsewhere != planned(data).project_elsewhere == ""
    os.utime(data.folder / f"{UNPICKED}.mrc", ns=(0, 0))
    assert planned(data).training_data == before
    os.utime(data.folder / f"{PICKED[0]}.mrc", ns=(0, 0))
    assert planned(data).training_data != before


def test_a_bundle_picks_all_without_picks(data: MrcData, tmp_path: Path) -> None:
    bundle = str(write_manifest(tmp_path / "bundle"))
    content = {"tomograms": str(data.folder), "bundle": bundle, "name": "picked"}
    plan = make_plan(content, "here")
    assert plan.runs.test == (*PICKED, UNPICKED)
    assert plan.config.particles == CZII_PARTICLES
    assert plan.config.voxel_spacing == 10.02
    assert (plan.import_check, plan.check_argument) == ([], "")
    bad = data.folder / f"{UNPICKED}.mrc"
    bad.write_bytes(bad.read_bytes()[:2000])
    assert make_plan(content, "here").runs.test == (*PICKED, UNPICKED)
    with pytest.raises(InputError, match=r"TS_3\.mrc: is cut off"):
        make_plan({**content, "on_error": "stop"}, "here")


def test_a_bundle_reads_grey_values_as_it_learnt_them(data: MrcData, tmp_path: Path) -> None:
    bundle = write_manifest(tmp_path / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["config"]["mrc"]["invert_contrast"] = True
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    content = {"tomograms": str(data.folder), "bundle": str(bundle), "name": "picked"}
    assert make_plan(content, "here").config.mrc.invert_contrast is True
    kept = make_plan({**content, "mrc": {"invert_contrast": False}}, "here")
    assert kept.config.mrc.invert_contrast is False


def test_a_bundle_of_other_voxels_says_what_to_add(tmp_path: Path) -> None:
    data = write_mrc_data(tmp_path, voxel_angstrom=13.48)
    bundle = str(write_manifest(tmp_path / "bundle"))
    with pytest.raises(InputError, match=r"voxel_spacing: is 13\.48 Å, .*resample_to=10"):
        make_plan({"tomograms": str(data.folder), "bundle": bundle, "name": "picked"}, "here")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "there"}, "dataset and tomograms are both given"),
        ({"tomograms": None}, "picks is for tomograms in MRC files"),
        ({"tomograms": []}, "tomograms: a path is empty"),
        ({"picks": {"ball": ""}}, "picks.*a path is empty"),
        ({"mrc": {"invert_contrast": "maybe"}}, "mrc.invert_contrast"),
    ],
)
def test_what_does_not_go_together(data: MrcData, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        planned(data, **changes)
