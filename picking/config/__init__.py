"""The configuration: one model per section, unknown keys refused.

Other rooms import from here: ``from picking.config import load_config``.
"""

from picking.config.features import ALL_FAMILIES, FamilyName, FeatureSettings
from picking.config.loading import load_config, validated_config
from picking.config.particles import CZII_PARTICLES, CZII_WEIGHTS, ParticleType, ScoringSettings
from picking.config.picks import PicksSettings
from picking.config.pipeline import FoldSettings, PipelineConfig
from picking.config.pretraining import PretrainingSettings
from picking.config.stage1_proposals import (
    EnsembleSettings,
    NetworkSettings,
    PeakSettings,
    PredictionSettings,
    Stage1Settings,
    TargetSettings,
    TrainingSettings,
)
from picking.config.stage2_rerank import ClassifierSettings, Stage2Settings
from picking.config.synthetic import SyntheticSettings
from picking.config.truth import TruthSettings

__all__ = [
    "ALL_FAMILIES",
    "CZII_PARTICLES",
    "CZII_WEIGHTS",
    "ClassifierSettings",
    "EnsembleSettings",
    "FamilyName",
    "FeatureSettings",
    "FoldSettings",
    "NetworkSettings",
    "ParticleType",
    "PeakSettings",
    "PicksSettings",
    "PipelineConfig",
    "PredictionSettings",
    "PretrainingSettings",
    "ScoringSettings",
    "Stage1Settings",
    "Stage2Settings",
    "SyntheticSettings",
    "TargetSettings",
    "TrainingSettings",
    "TruthSettings",
    "load_config",
    "validated_config",
]
