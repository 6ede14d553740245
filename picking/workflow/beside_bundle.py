"""What a person should know of data beside the bundle that picks them."""

from collections.abc import Sequence

from picking.bundle.manifest import BundleManifest
from picking.config import PipelineConfig


def beside_bundle(
    config: PipelineConfig, manifest: BundleManifest, namesakes: Sequence[str]
) -> list[str]:
    """Say in what the data differ from those that a bundle learnt from.

    Parameters
    ----------
    config : PipelineConfig
        Of the picking.
    manifest : BundleManifest
        The bundle's.
    namesakes : sequence of str
        Runs to pick that have the name of a run that the bundle learnt from.

    Returns
    -------
    list of str
        Warnings.
    """
    warnings = []
    if namesakes:
        warnings.append(
            f"{', '.join(namesakes)}: named as training runs of the bundle, so only networks that "
            "never saw these look at them; if they are other tomograms, rename them"
        )
    if manifest.config.features.has_mask and config.masks is None:
        warnings.append(
            "the bundle learnt with masks, and none are given: picks count everywhere, as if all "
            "were deep inside a mask"
        )
    if config.masks is not None and not manifest.config.features.has_mask:
        warnings.append(
            "the bundle learnt without masks: what is outside yours is not picked, but how far "
            "inside something is plays no part"
        )
    return warnings
