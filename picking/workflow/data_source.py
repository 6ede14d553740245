"""Where the tomograms come from: for a command's line, and for a person."""

import shlex

from picking.config import PipelineConfig
from picking.config.masks import SegmentationMasks


def source_arguments(config: PipelineConfig) -> str:
    """Arguments that name the data to the import."""
    if config.tomograms is not None:
        return "--mrc"  # the settings name them
    if config.copick is not None:
        return shlex.join(["--copick", str(config.copick)])
    dataset = config.synthetic_folder if config.is_synthetic else config.dataset
    return shlex.join(["--dataset", str(dataset)])


def source_in_words(config: PipelineConfig) -> str:
    """Source of the tomograms and of their masks, as the report says it."""
    return f"{_tomograms_in_words(config)}{_masks_in_words(config)}"


def _masks_in_words(config: PipelineConfig) -> str:
    if config.masks is None:
        return ""
    if isinstance(config.masks, SegmentationMasks):
        return f", inside the segmentation {config.masks.segmentation}"
    return f", inside the masks {', '.join(config.masks)}"


def _tomograms_in_words(config: PipelineConfig) -> str:
    if config.is_synthetic:
        return "synthetic specimens"
    if config.tomograms is not None:
        return f"MRC tomograms {', '.join(config.tomograms)}"
    if config.copick is not None:
        return f"copick project {config.copick}"
    return f"Kaggle's layout in {config.dataset}"
