"""Settings files: the parts of the configuration that jobs read.

A rule takes the files that it depends on and no other, so that a changed key runs again what
follows from it and nothing else.
"""

import json
from typing import Any

from picking.config import (
    FeatureSettings,
    ParticleType,
    PicksSettings,
    PipelineConfig,
    PredictionSettings,
    PretrainingSettings,
    SyntheticSettings,
    TrainingSettings,
)
from picking.config.pretraining import OF_STAGE1_TRAINING

# Keys of the configuration as pydantic's ``include`` takes them.
Keys = dict[str, Any] | set[str]

# A member's encoder and seed are arguments, and checkpoints change nothing that is trained.
TRAINED_FROM = set(TrainingSettings.model_fields) - {"checkpoint_every"}
# How runs are shared out among jobs changes no score map.
PREDICTED_FROM = set(PredictionSettings.model_fields) - {"runs_per_job"}

# Whom the final picks are written under.
PICKS_AUTHOR = {"user_id", "session_id"}

# What the averages of particles are made with, of the settings of the features.
WEDGE = {"tilt_range_degrees", "tilt_axis"}

# What a particle type is to the networks and to the score.
MEASURED = {"name", "radius_angstrom"}

RESULT_SECTIONS: dict[str, Keys] = {
    "data": {
        **dict.fromkeys(
            ("name", "seed", "tomo_type", "voxel_spacing", "resample_to", "truth"), True
        ),
        "particles": {"__all__": MEASURED},
    },
    # Which MRC files are read, and how; nothing else reads them.
    "mrc": {"tomograms", "picks", "mrc"},
    # Where picks count; the import alone reads it.
    "masks": {"masks"},
    # What particles look like on pages and in viewers trains nothing.
    "appearance": {"particles": {"__all__": set(ParticleType.model_fields) - {"structure"}}},
    # Where their structures are read from; the file itself is an input.
    "structures": {"particles": {"__all__": MEASURED | {"structure"}}},
    "folds": {"folds"},
    "scoring": {"scoring"},
    # Snakemake passes over other reasons of a job that a changed but "ancient" input lies above: so
    # that what a job depends on stands in a file that is none.
    "stage1_ensemble": {"stage1_proposals": {"ensemble"}},
    "stage1_start": {"stage1_proposals": {"start"}},
    # What a pretraining depends on too; a longer training makes none again.
    "stage1_network": {
        "stage1_proposals": {"network": True, "targets": True, "training": OF_STAGE1_TRAINING}
    },
    "stage1_training": {"stage1_proposals": {"training": TRAINED_FROM - OF_STAGE1_TRAINING}},
    # A longer pretraining makes no specimen again.
    "pretraining_seed": {"pretraining": {"seed"}},
    "pretraining": {"pretraining": set(PretrainingSettings.model_fields) - {"seed"}},
    "stage1_precision": {"stage1_proposals": {"precision"}},
    "stage1_checkpoints": {"stage1_proposals": {"training": {"checkpoint_every"}}},
    "stage1_prediction": {"stage1_proposals": {"prediction": PREDICTED_FROM, "peaks": True}},
    "features": {"features": set(FeatureSettings.model_fields) - WEDGE},
    "wedge": {"features": WEDGE},
    "stage2_classifier": {"stage2_rerank": {"classifier"}},
    "stage2_decision": {"stage2_rerank": {"threshold_rule", "suppression_fraction"}},
    "picks_author": {"final_picks": PICKS_AUTHOR},
    # Read by none that picks: other names in other software write other files and no more.
    "picks_files": {"final_picks": set(PicksSettings.model_fields) - PICKS_AUTHOR},
}

# Sections that a bundle tells of; masks are as little part of it as the tomograms.
BUNDLED_SECTIONS = tuple(section for section in RESULT_SECTIONS if section != "masks")

# The number of runs is a section of its own: the content of a run does not depend on it.
RUN_NUMBERS = {"train_runs", "test_runs"}
SYNTHETIC_SECTIONS: dict[str, Keys] = {
    "specimens": {"seed": True, "synthetic": set(SyntheticSettings.model_fields) - RUN_NUMBERS},
    "runs": {"seed": True, "synthetic": RUN_NUMBERS},
}


def section_text(config: PipelineConfig, keys: Keys) -> str:
    """Write some keys of the configuration as a line of JSON, which is YAML too."""
    return json.dumps(config.model_dump(mode="json", include=keys), sort_keys=True)
