"""The configuration under which a bundle picks: the bundle's, but for what the user decides."""

from typing import Any

from pydantic import ValidationError

from picking.bundle.manifest import BundleManifest
from picking.config import PipelineConfig, PredictionSettings, Stage1Settings
from picking.config.strict_model import StrictModel
from picking.errors import InputError, in_one_line

# What models depend on comes with them.
COMES_WITH_THE_BUNDLE = ("particles", "scoring", "features", "stage2_rerank", "seed")
OF_STAGE1 = ("ensemble", "network", "targets", "training", "peaks")
# What the user may choose for the data at hand.
OF_PREDICTION = tuple(PredictionSettings.model_fields)
# As far as the scale of a tomogram may be from what its folder says (picking.files.ome_zarr).
MOST_VOXEL_DEVIATION = 0.05


def bundled_config(config: PipelineConfig, manifest: BundleManifest) -> PipelineConfig:
    """Join the user's configuration with that of a bundle.

    Parameters
    ----------
    config : PipelineConfig
        The user's; what is not as by default counts as chosen.
    manifest : BundleManifest
        The bundle's.

    Returns
    -------
    PipelineConfig

    Raises
    ------
    InputError
        If there are no data, or the user has chosen what comes with the bundle, or the data do not
        fit it.
    """
    bundle = manifest.config
    if config.is_synthetic:
        raise InputError(
            "bundle", "is given without data to pick", "give dataset=FOLDER or copick=CONFIG.json"
        )
    stage1 = config.stage1_proposals
    _refuse_others(config, bundle, COMES_WITH_THE_BUNDLE, "")
    _refuse_others(stage1, bundle.stage1_proposals, OF_STAGE1, "stage1_proposals.")
    _check_fit(config, manifest)
    default = PredictionSettings()
    chosen = {
        key: value
        for key in OF_PREDICTION
        if (value := getattr(stage1.prediction, key)) != getattr(default, key)
    }
    prediction = bundle.stage1_proposals.prediction.model_copy(update=chosen)
    return config.model_copy(
        update={
            **{key: getattr(bundle, key) for key in COMES_WITH_THE_BUNDLE},
            **_tomogram_kind(config, manifest),
            "stage1_proposals": _joined(
                bundle.stage1_proposals,
                {"prediction": prediction.model_dump(), "precision": stage1.precision},
            ),
        }
    )


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
    given: StrictModel, bundled: StrictModel, keys: tuple[str, ...], prefix: str
) -> None:
    for key in keys:
        value = getattr(given, key)
        default = type(given).model_fields[key].get_default(call_default_factory=True)
        if value not in (default, getattr(bundled, key)):
            raise InputError(
                f"{prefix}{key}",
                "comes with the bundle: its models were trained with it",
                "leave the key out, or train with it",
            )


def _check_fit(config: PipelineConfig, manifest: BundleManifest) -> None:
    """Refuse data of another kind than the bundle learnt from."""
    kind = _tomogram_kind(config, manifest)
    learnt = manifest.config.tomo_type
    if kind["tomo_type"] != learnt and not config.other_tomo_type:
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


def _tomogram_kind(config: PipelineConfig, manifest: BundleManifest) -> dict[str, Any]:
    """Which tomograms are picked: what the user says, else those of the training."""
    default = PipelineConfig()
    bundle = manifest.config
    tomo_type = bundle.tomo_type if config.tomo_type == default.tomo_type else config.tomo_type
    if config.voxel_spacing == default.voxel_spacing and config.resample_to is None:
        return {
            "tomo_type": tomo_type,
            "voxel_spacing": bundle.voxel_spacing,
            "resample_to": bundle.resample_to,
        }
    return {
        "tomo_type": tomo_type,
        "voxel_spacing": config.voxel_spacing,
        "resample_to": config.resample_to,
    }
