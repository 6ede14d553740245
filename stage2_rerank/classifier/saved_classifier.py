"""A fitted classifier on disk: LightGBM's own text for each booster, the rest as JSON."""

from collections.abc import Sequence
from pathlib import Path

import lightgbm as lgb
import numpy as np
from pydantic import Field

from picking.config import ClassifierSettings
from picking.config.strict_model import StrictModel
from picking.errors import InputError
from picking.files.json_models import read_model, write_model
from picking.files.tables import REMAKE
from picking.files.whole_files import write_whole_text
from stage2_rerank.classifier.boosting import booster_text
from stage2_rerank.classifier.calibration import LogisticCalibration
from stage2_rerank.classifier.linear_correction import LinearCorrection
from stage2_rerank.classifier.rerank_classifier import RerankClassifier


class SavedClassifier(StrictModel):
    """Everything of a fitted classifier but its trees."""

    particle_type: str = Field(description="particle type that it re-ranks")
    boosters: tuple[str, ...] = Field(description="LightGBM text files beside this file, one a bag")
    feature_names: tuple[str, ...] = Field(description="columns that it was fitted on, in order")
    stage1_calibration: LogisticCalibration = Field(
        description="of the proposal score's logit, to the log odds that are corrected"
    )
    linear: LinearCorrection = Field(description="linear part of the correction")
    strength: float = Field(ge=0, le=1, description="share of the correction; 0: stage 1 alone")
    trees: int = Field(ge=0, description="trees that each booster was asked for")
    calibration: LogisticCalibration = Field(description="of the corrected margin")
    candidates: int = Field(ge=0, description="candidates that it was fitted on")
    positives: int = Field(ge=0, description="positive ones among them")
    settings: ClassifierSettings = Field(description="configuration that it was fitted with")
    decision_probability: float = Field(description="probability near which it was tuned")
    random_state: int = Field(description="seed")


def write_classifier(
    classifier: RerankClassifier,
    particle_type: str,
    positives: int,
    model_paths: Sequence[Path],
    calibration_path: Path,
) -> None:
    """Write a fitted classifier.

    Parameters
    ----------
    classifier : RerankClassifier
        Fitted.
    particle_type : str
        Its particle type.
    positives : int
        Number of positive candidates that it was fitted on.
    model_paths : sequence of Path
        One file for each bag, in the folder of ``calibration_path``.
    calibration_path : Path
        JSON file that names the others.

    Raises
    ------
    InputError
        If the number of paths is not the number of bags, or they are in another folder.
    """
    model_paths = [Path(path) for path in model_paths]
    if len(model_paths) != len(classifier.boosters_):
        raise InputError(
            "--models",
            f"names {len(model_paths)} file(s) for {len(classifier.boosters_)} bag(s)",
            "give one for each of stage2_rerank.classifier.bags",
        )
    if any(path.parent != Path(calibration_path).parent for path in model_paths):
        raise InputError(
            "--models", "are not all in the folder of --calibration", "put them side by side"
        )
    saved = SavedClassifier(
        particle_type=particle_type,
        boosters=tuple(path.name for path in model_paths),
        feature_names=tuple(str(name) for name in classifier.feature_names_in_),
        stage1_calibration=classifier.stage1_calibration_,
        linear=classifier.linear_,
        strength=classifier.strength_,
        trees=classifier.trees_,
        calibration=classifier.calibration_,
        candidates=len(classifier.inner_probability_),
        positives=positives,
        settings=classifier.settings,
        decision_probability=classifier.decision_probability,
        random_state=classifier.random_state,
    )
    for path, booster in zip(model_paths, classifier.boosters_, strict=True):
        write_whole_text(path, booster_text(booster))
    write_model(calibration_path, saved)


def read_classifier(calibration_path: Path, threads: int = 1) -> tuple[str, RerankClassifier]:
    """Read a classifier that can predict; what it was fitted on is not kept.

    Returns
    -------
    tuple of str and RerankClassifier
        The particle type and its classifier.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    path = Path(calibration_path)
    saved = read_model(
        path, SavedClassifier, problem="is not a saved classifier", if_missing="train stage 2"
    )
    classifier = RerankClassifier(
        saved.settings,
        decision_probability=saved.decision_probability,
        random_state=saved.random_state,
        threads=threads,
    )
    classifier.classes_ = np.array([False, True])
    classifier.feature_names_in_ = np.asarray(saved.feature_names, dtype=object)
    classifier.n_features_in_ = len(saved.feature_names)
    classifier.stage1_calibration_ = saved.stage1_calibration
    classifier.linear_ = saved.linear
    classifier.strength_ = saved.strength
    classifier.trees_ = saved.trees
    classifier.calibration_ = saved.calibration
    classifier.boosters_ = [_read_booster(path.with_name(name)) for name in saved.boosters]
    return saved.particle_type, classifier


def _read_booster(path: Path) -> lgb.Booster:
    try:
        return lgb.Booster(model_str=path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "train stage 2") from None
    except lgb.basic.LightGBMError as error:
        raise InputError(path, f"is no LightGBM model ({error})", REMAKE) from None
