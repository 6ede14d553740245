"""Which of the settings a bundle brings, and which of them the user may choose."""

import json
from typing import Any

import pytest

from benchmarks.damaged_bundles import Made
from picking.bundle.bundled_config import bundled_config
from picking.bundle.manifest import BundleManifest
from picking.config import PipelineConfig
from picking.errors import InputError


@pytest.fixture
def manifest(made: Made) -> BundleManifest:
    """Of networks that are as deep as the default's, with another window and other passes."""
    made.manifest["config"]["stage1_proposals"]["network"]["depth"] = 4
    made.manifest["config"]["stage1_proposals"]["network"]["decoder_channels"] = [32, 16, 8]
    made.manifest["config"]["stage1_proposals"]["prediction"]["passes"] = 6
    made.manifest["config"]["seed"] = 5
    return BundleManifest.model_validate_json(json.dumps(made.manifest))


def joined(manifest: BundleManifest, **content: Any) -> PipelineConfig:
    given = {"name": "mine", "dataset": "data", "bundle": "bundle.zip"} | content
    return bundled_config(PipelineConfig.model_validate(given), manifest)


def test_the_bundle_brings_the_models_settings_and_the_user_the_data(
    manifest: BundleManifest,
) -> None:
    config = joined(manifest)
    assert config.particles == manifest.config.particles
    assert config.stage1_proposals.network.depth == 4
    assert config.stage1_proposals.prediction.passes == 6
    assert config.seed == 5
    assert config.name == "mine"
    assert str(config.dataset) == "data"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (
            {"particles": [{"name": "gold", "label": 1, "radius_angstrom": 50}]},
            "particles: comes with the bundle",
        ),
        ({"features": {"shells": 5}}, "features: comes with the bundle"),
        ({"seed": 3}, "seed: comes with the bundle"),
        (
            {"stage1_proposals": {"training": {"epochs": 3}}},
            r"stage1_proposals\.training: comes with the bundle",
        ),
        (
            {"stage1_proposals": {"ensemble": {"seeds": [0, 1]}}},
            r"stage1_proposals\.ensemble: comes with the bundle",
        ),
        (
            {"stage1_proposals": {"prediction": {"adapted_statistics": 0.2}}},
            r"stage1_proposals\.prediction\.adapted_statistics: comes with the bundle",
        ),
    ],
)
def test_what_the_models_depend_on_is_not_for_the_user(
    manifest: BundleManifest, content: dict[str, Any], key: str
) -> None:
    with pytest.raises(InputError, match=key):
        joined(manifest, **content)


def test_the_same_as_the_bundles_is_no_other(manifest: BundleManifest) -> None:
    assert joined(manifest, seed=5).seed == 5


def test_the_user_chooses_how_the_work_is_divided(manifest: BundleManifest) -> None:
    config = joined(manifest, stage1_proposals={"prediction": {"runs_per_job": 25}})
    assert config.stage1_proposals.prediction.runs_per_job == 25
    assert config.stage1_proposals.prediction.passes == 6


def test_a_window_that_the_bundles_networks_cannot_take_is_refused(
    manifest: BundleManifest,
) -> None:
    # It fits the default network, of depth 3.
    window = {"prediction": {"window_zyx": [24, 24, 24]}}
    with pytest.raises(InputError, match=r"does not fit the networks .*multiples of 16"):
        joined(manifest, stage1_proposals=window)


def test_another_tomogram_type_is_refused_unless_it_is_the_same_kind(
    manifest: BundleManifest,
) -> None:
    with pytest.raises(InputError, match=r"learnt from 'denoised' .*other_tomo_type=true"):
        joined(manifest, tomo_type="wbp")
    assert joined(manifest, tomo_type="wbp", other_tomo_type=True).tomo_type == "wbp"


def test_another_voxel_size_is_refused_unless_it_is_resampled(manifest: BundleManifest) -> None:
    with pytest.raises(InputError, match=r"voxel_spacing: is 13\.48 Å.*add resample_to=10$"):
        joined(manifest, voxel_spacing=13.48)
    config = joined(manifest, voxel_spacing=13.48, resample_to=10)
    assert config.tomogram_kind == ("denoised", 13.48, 10)
    with pytest.raises(InputError, match=r"resample_to: is 12 Å.*add resample_to=10$"):
        joined(manifest, voxel_spacing=13.48, resample_to=12)


@pytest.mark.parametrize(("voxel_spacing", "fits"), [(9.6, True), (10.4, True), (10.6, False)])
def test_a_voxel_size_within_five_per_cent_is_taken_as_it_is(
    manifest: BundleManifest, voxel_spacing: float, fits: bool
) -> None:
    if fits:
        config = joined(manifest, voxel_spacing=voxel_spacing)
        assert config.tomogram_kind == ("denoised", voxel_spacing, None)
    else:
        with pytest.raises(InputError, match="voxel_spacing"):
            joined(manifest, voxel_spacing=voxel_spacing)


def test_what_the_bundle_learnt_from_is_looked_for_by_default(made: Made) -> None:
    made.manifest["config"] |= {"tomo_type": "wbp", "voxel_spacing": 7.84, "resample_to": 10.0}
    manifest = BundleManifest.model_validate_json(json.dumps(made.manifest))
    assert joined(manifest).tomogram_kind == ("wbp", 7.84, 10.0)


def test_a_bundle_without_data_is_refused(manifest: BundleManifest) -> None:
    with pytest.raises(InputError, match="without data to pick"):
        joined(manifest, dataset=None)
