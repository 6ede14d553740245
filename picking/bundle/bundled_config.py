"""The configuration under which a bundle picks: the bundle's, but for what the user decides."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from picking.bundle.manifest import BundleManifest
from picking.config import PipelineConfig, PredictionSettings, Stage1Settings
from picking.config.mrc import MrcSettings
from picking.config.strict_model import StrictModel
from picking.errors import InputError, in_one_line

# What models depend on comes with them.
COMES_WITH_THE_BUNDLE = ("particles", "scoring", "features", "stage2_rerank", "seed")
OF_STAGE1 = ("ensemble", "network", "targets", "training", "peaks")
# Which tomograms are picked: those of the training, unless the user says otherwise.
TOMOGRAM_KIND = ("tomo_type", "voxel_spacing", "resample_to")
# What the user may choose for the data at hand.
ADAPTED = "adapted_statistics"
OF_PREDICTION = tuple(name for name in PredictionSettings.model_fields if name != ADAPTED)
# As far as the scale of a tomogram may be from what its folder says (picking.files.ome_zarr).
MOST_VOXEL_DEVIATION = 0.05


def bundled_config(
    config: PipelineConfig, manifest: BundleManifest, given: PipelineConfig | None = None
) -> PipelineConfig:
    """Join the user's configuration with that of a bundle.

    Parameters
    ----------
    config : PipelineConfig
        The user's.
    manifest : BundleManifest
        The bundle's.
    given : PipelineConfig or None
        Made of the keys alone that the user has given; these count as chosen, and of the others
        those that are not as by default. None: ``config`` is made so.

    Returns
    -------
    PipelineConfig

    Raises
    ------
    InputError
        If there are no data, or the user has chosen what comes with the bundle, or the data do not
        fit it.
    """
    given = given or config
    bundle = manifest.config
    if config.is_synthetic:
        raise InputError(
            "bundle",
            "is given without data to pick",
            "give dataset=FOLDER, copick=CONFIG.json or tomograms=FOLDER",
        )
    stage1, given_stage1 = config.stage1_proposals, given.stage1_proposals
    _refuse_others(config, bundle, COMES_WITH_THE_BUNDLE, "")
    _refuse_others(stage1, bundle.stage1_proposals, OF_STAGE1, "stage1_proposals.")
    learnt = bundle.stage1_proposals.prediction
    _refuse_others(stage1.prediction, learnt, (ADAPTED,), "stage1_proposals.prediction.")
    kind = bundle.model_dump(include=set(TOMOGRAM_KIND)) | _chosen(config, given, TOMOGRAM_KIND)
    if kind["voxel_spacing"] != bundle.voxel_spacing:
        # What the bundle's own data were resampled to says nothing of these.
        kind["resample_to"] = config.resample_to
    _check_fit(kind, config.other_tomo_type, manifest)
    prediction = bundle.stage1_proposals.prediction.model_dump()
    prediction |= _chosen(stage1.prediction, given_stage1.prediction, OF_PREDICTION)
    return config.model_copy(
        update={
            **{key: getattr(bundle, key) for key in COMES_WITH_THE_BUNDLE},
            **kind,
            "mrc": _with_learnt_contrast(config.mrc, bundle.mrc),
            "stage1_proposals": _joined(
                bundle.stage1_proposals,
                {"prediction": prediction, "precision": stage1.precision},
            ),
        }
    )


def _with_learnt_contrast(chosen: MrcSettings, learnt: MrcSettings) -> MrcSettings:
    """Read grey values as they were read for the training, unless the user says how."""
    if chosen.invert_contrast != "auto":
        return chosen
    return chosen.model_copy(update={"invert_contrast": learnt.invert_contrast})


def _chosen(config: StrictModel, given: StrictModel, keys: Sequence[str]) -> dict[str, Any]:
    """Give the values that the user has chosen."""
    return {
        key: value
        for key in keys
        for value in [getattr(config, key)]
        if key in given.model_fields_set or value != _default(config, key)
    }


def _default(section: StrictModel, key: str) -> Any:
    return type(section).model_fields[key].get_default(call_default_factory=True)


def _joined(bundled: Stage1Settings, chosen: dict[str, Any]) -> Stage1Settings:
    """Join stage 1's settings, as far as they go together."""
    try:
        return Stage1Settings.model_validate(bundled.model_dump() | chosen)
    except ValidationError as error:
        raise InputError(
            "stage1_proposals.prediction",
            f"does not fit the networks of the bundle ({in_one_line(error)})",
            "give other values, or leave them out",
        ) from None


def _refuse_others(
    config: StrictModel, bundled: StrictModel, keys: Sequence[str], prefix: str
) -> None:
    for key in keys:
        value = getattr(config, key)
        if value not in (_default(config, key), getattr(bundled, key)):
            raise InputError(
                f"{prefix}{key}",
                "comes with the bundle: its models were trained with it",
                "leave the key out, or train with it",
            )


def _check_fit(kind: dict[str, Any], other_tomo_type: bool, manifest: BundleManifest) -> None:
    """Refuse data of another kind than the bundle learnt from."""
    learnt = manifest.config.tomo_type
    if kind["tomo_type"] != learnt and not other_tomo_type:
        raise InputError(
            "tomo_type",
            f"is {kind['tomo_type']}, but the bundle learnt from '{learnt}' tomograms",
            "pick those, or if these are of the same kind under another name, add "
            "other_tomo_type=true",
        )
    voxel = kind["resample_to"] or kind["voxel_spacing"]
    if abs(voxel / manifest.voxel_angstrom - 1) > MOST_VOXEL_DEVIATION:
        raise InputError(
            "resample_to" if kind["resample_to"] else "voxel_spacing",
            f"is {voxel:g} Å, but the bundle learnt from voxels of {manifest.voxel_angstrom:g} Å",
            f"add resample_to={manifest.voxel_angstrom:g}",
        )
