"""The plan where masks are given: who reads them, what a changed one means, what a bundle says."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picking.config import PipelineConfig
from picking.config.features import DEFAULT_FAMILIES
from picking.errors import InputError
from picking.files.batch_record import BatchRecord, feature_file, proposal_files
from picking.files.tomogram_stamp import is_another, with_mask
from picking.workflow.make_plan import make_plan
from picking.workflow.plan import ResultPlan
from tests.mrc_data import PICKED, SHAPE_ZYX, UNPICKED, MrcData, write_mrc, write_mrc_data
from tests.picking.workflow.test_picking_plan import write_manifest

RUNS = (*PICKED, UNPICKED)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MrcData:
    """Tomograms, and in another folder a mask of each."""
    monkeypatch.chdir(tmp_path)
    for run in RUNS:
        write_mrc(tmp_path / "masks" / f"{run}_mask.mrc", np.ones(SHAPE_ZYX, np.int8))
    return write_mrc_data(tmp_path)


def planned(data: MrcData, **changes: Any) -> ResultPlan:
    given = {**data.content, "masks": "masks", **changes}
    return make_plan(PipelineConfig().model_dump(mode="json") | given, "here", given=given)


def test_the_import_reads_the_masks_of_its_split(data: MrcData, tmp_path: Path) -> None:
    plan, without = planned(data), planned(data, masks=None)
    assert plan.import_settings == [*without.import_settings, "results/mine/settings/masks.yaml"]
    for split, runs in (("train", PICKED), ("test", (UNPICKED,))):
        files = [str(tmp_path / "masks" / f"{run}_mask.mrc") for run in runs]
        assert plan.source_files(split) == [*without.source_files(split), *files]
        assert plan.source_digest(split) != without.source_digest(split) == ""
    assert plan.config.features.families == (*DEFAULT_FAMILIES, "mask")
    assert without.config.features.families == DEFAULT_FAMILIES
    chosen = planned(data, features={"families": ["shape"]})
    assert chosen.config.features.families == ("shape",)
    assert plan.data_source == f"{without.data_source}, inside the masks {tmp_path}/masks"


def test_a_changed_mask_is_another_tomogram_to_those_that_look_at_it(
    data: MrcData, tmp_path: Path
) -> None:
    plan = planned(data)
    plan.keep()
    for run in RUNS:
        for path in (*proposal_files(plan.folder, run).values(), feature_file(plan.folder, run)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(run)
    for split, runs in (("train", PICKED), ("test", (UNPICKED,))):
        (record,) = plan.proposals(runs)
        stamps = dict(plan.inputs[split].stamps)
        BatchRecord(split=split, runs={run: {} for run in runs}, tomograms=stamps).write(
            Path(record)
        )

    def new_batches(plan: ResultPlan) -> list[str]:
        return [run for batch in plan.batches if batch.number > 1 for run in batch.runs]

    assert new_batches(planned(data)) == []
    assert new_batches(planned(data, masks=None)) == [*RUNS]
    # Moved, they are the same.
    (tmp_path / "masks").rename(tmp_path / "moved")
    moved = planned(data, masks="moved/*_mask.mrc")
    assert new_batches(moved) == []
    assert moved.training_data == plan.training_data

    os.utime(tmp_path / "moved" / f"{UNPICKED}_mask.mrc", ns=(0, 0))
    changed = planned(data, masks="moved")
    assert new_batches(changed) == [UNPICKED]
    assert changed.training_data == plan.training_data
    os.utime(tmp_path / "moved" / f"{PICKED[0]}_mask.mrc", ns=(0, 0))
    changed = planned(data, masks="moved")
    assert new_batches(changed) == [PICKED[0], UNPICKED]
    assert changed.training_data != plan.training_data


@pytest.mark.parametrize(
    ("before", "now", "is_other"),
    [
        ("1:2", "1:2", False),
        ("1:2", "3:4", True),
        # A tomogram elsewhere has no stamp, but its mask has.
        ("1:2", "", False),
        (with_mask("", "a"), "", True),
        ("", with_mask("", "a"), True),
        (with_mask("1:2", "a"), with_mask("", "a"), False),
        (with_mask("1:2", "a"), with_mask("1:2", "b"), True),
    ],
)
def test_when_a_run_is_another(before: str, now: str, is_other: bool) -> None:
    assert is_another(before, now) == is_other


def test_masks_of_other_names_are_refused(data: MrcData, tmp_path: Path) -> None:
    for run in RUNS[1:]:
        (tmp_path / "masks" / f"{run}_mask.mrc").rename(tmp_path / "masks" / f"{run}_cell.mrc")
    assert planned(data).inputs["train"].masked == (PICKED[0],)
    (tmp_path / "masks" / f"{PICKED[0]}_mask.mrc").unlink()
    with pytest.raises(InputError, match=r"masks: none is of the runs TS_1, .*; .*RUN_mask"):
        planned(data)
    with pytest.raises(InputError, match=r"masks: name the segmentation cell, which only a copick"):
        planned(data, masks={"segmentation": "cell"})
    with pytest.raises(InputError, match=r"unknown key 'masks.*\.user'"):
        planned(data, masks={"segmentation": "cell", "user": "me"})
    with pytest.raises(InputError, match=r"masks: are given, but the synthetic runs have none"):
        make_plan({"masks": "masks"}, "here")


def test_a_bundle_says_what_masks_are_to_it(
    data: MrcData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_manifest(tmp_path / "bundle")
    content = {"tomograms": str(data.folder), "bundle": str(bundle), "name": "picked"}
    make_plan(content, "here").keep()
    assert "mask" not in capsys.readouterr().err
    plan = make_plan(content | {"masks": "masks"}, "here")
    # Its models know no such feature.
    assert plan.config.features.families == DEFAULT_FAMILIES
    assert plan.inputs["test"].masked == RUNS
    plan.keep()
    assert "warning: the bundle learnt without masks" in capsys.readouterr().err

    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["config"]["features"]["families"].append("mask")
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    make_plan(content | {"masks": "masks"}, "here").keep()
    assert "warning" not in capsys.readouterr().err
    plan = make_plan(content, "here")
    assert plan.config.features.has_mask
    plan.keep()
    assert "warning: the bundle learnt with masks, and none are given" in capsys.readouterr().err
