"""Where the tomograms come from: for a command's line, and for a person."""

import shlex

from picking.config import PipelineConfig


def source_arguments(config: PipelineConfig) -> str:
    """Arguments that name the data to the import."""
    if config.tomograms is not None:
        return "--mrc"  # the settings name them
    if config.copick is not None:
        return shlex.join(["--copick", str(config.copick)])
    dataset = config.synthetic_folder if config.is_synthetic else config.dataset
    return shlex.join(["--dataset", str(dataset)])


def source_in_words(config: PipelineConfig) -> str:
    """Source of the tomograms, as the report says it."""
    if config.is_synthetic:
        return "synthetic specimens"
    if config.tomograms is not None:
        return f"MRC tomograms {', '.join(config.tomograms)}"
    if config.copick is not None:
        return f"copick project {config.copick}"
    return f"Kaggle's layout in {config.dataset}"
