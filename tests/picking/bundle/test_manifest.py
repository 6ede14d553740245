"""The manifest: it lists what its networks and types ask for, by paths within a result."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from benchmarks.damaged_bundles import MEMBER, Made
from picking.bundle.manifest import BundleManifest
from picking.errors import in_one_line


def problem(manifest: Any) -> str:
    with pytest.raises(ValidationError) as error:
        BundleManifest.model_validate_json(json.dumps(manifest))
    return in_one_line(error.value)


def test_a_whole_manifest_names_the_files_of_a_result(made: Made) -> None:
    manifest = BundleManifest.model_validate_json(json.dumps(made.manifest))
    assert {*manifest.result_files, "README.md"} == made.files.keys()
    assert f"stage1/{MEMBER}/fold1/weights.safetensors" in manifest.result_files
    assert manifest.voxel_angstrom == 10.0


def test_a_bundle_from_before_statistics_adapted_picks_without(made: Made) -> None:
    def share() -> float:
        manifest = BundleManifest.model_validate_json(json.dumps(made.manifest))
        return manifest.config.stage1_proposals.prediction.adapted_statistics

    prediction = made.manifest["config"]["stage1_proposals"]["prediction"]
    prediction["adapted_statistics"] = 0.5
    assert share() == 0.5
    del prediction["adapted_statistics"]
    assert share() == 0.0


def test_a_bundle_of_the_former_layout_is_refused_by_its_format(made: Made) -> None:
    made.manifest["format"] = 1
    assert problem(made.manifest).startswith("format: ")


def test_a_file_that_is_not_listed_is_named(made: Made) -> None:
    del made.manifest["files"]["thresholds.json"]
    made.manifest["files"]["more.txt"] = made.manifest["files"]["README.md"]
    said = problem(made.manifest)
    assert "lacks thresholds.json, has also more.txt" in said


def test_of_many_further_files_a_few_are_named(made: Made) -> None:
    item = made.manifest["files"]["README.md"]
    made.manifest["files"] |= {f"more{number}\nof them": item for number in range(2000)}
    said = problem(made.manifest)
    assert "and 1997 more" in said
    assert len(said) < 300
    assert "\n" not in said


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "x\n", "a\x00b", "", ".", "x" * 300])
def test_a_network_whose_name_leads_elsewhere_is_refused(made: Made, name: str) -> None:
    made.manifest["members"] = [name]
    listed = made.manifest["files"]
    made.manifest["files"] = {path.replace(MEMBER, name): item for path, item in listed.items()}
    assert problem(made.manifest).startswith("members.0: ")


def test_a_tomogram_type_that_leads_elsewhere_is_refused(made: Made) -> None:
    made.manifest["config"]["tomo_type"] = "../../other"
    assert "cannot be part of a folder's name" in problem(made.manifest)


@pytest.mark.parametrize(
    ("members", "folds", "bags"), [(1, 2, 10**18), (20_000, 1000, 2)], ids=["models", "networks"]
)
def test_numbers_that_ask_for_more_files_than_are_listed_are_refused_at_once(
    made: Made, members: int, folds: int, bags: int
) -> None:
    made.manifest["members"] = [f"m-seed{seed}" for seed in range(members)]
    made.manifest["folds"] = folds
    made.manifest["config"]["stage2_rerank"]["classifier"]["bags"] = bags
    assert "files, but its networks and types ask for" in problem(made.manifest)
