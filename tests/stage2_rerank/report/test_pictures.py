import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from picking.config import load_config
from picking.data_in.inventory import kaggle_static, resolve
from picking.errors import InputError
from picking.files.copick_project import filesystem_config
from picking.files.tables import OUT_OF_FOLD, TRUTH
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.report.pictures import draw_pictures
from stage2_rerank.report.pictures.content import ReportPictures
from stage2_rerank.report.pictures.drawing import FIELD_PIXELS, PARTICLE_PIXELS
from stage2_rerank.thresholds.threshold_file import (
    RuleThresholds,
    Threshold,
    Thresholds,
    ThresholdSet,
    TypeThresholds,
)
from tests.conftest import VOXEL_SIZE_ANGSTROM, tiny_values

SHAPE_ZYX = (32, 48, 64)
RADIUS = {"small": 50.0, "big": 90.0}
BALL = (320.0, 240.0, 160.0)  # xyz Å
# A dark spot 80 Å from the ball along y.
SPOT = (320.0, 320.0, 160.0)
# run, type, x, y, z
REFERENCES = [
    ("A", "small", *BALL),
    ("A", "small", 0.0, 0.0, 0.0),  # never proposed, in the tomogram's corner
    ("A", "small", 100.0, 100.0, 160.0),  # proposed, not picked
    ("A", "big", 500.0, 300.0, 160.0),
    ("B", "small", 200.0, 200.0, 160.0),
]
# The same with the rerank score; the thresholds are 0.5.
CANDIDATES = [
    ("A", "small", BALL[0] - 22, *BALL[1:], 0.95),
    ("A", "small", BALL[0] + 22, *BALL[1:], 0.60),  # a duplicate, beyond the suppression
    ("A", "small", 500.0, 300.0, 150.0, 0.90),  # on the big one
    ("A", "small", 620.0, 20.0, 300.0, 0.80),  # nothing, at the border
    ("A", "small", 100.0, 110.0, 160.0, 0.20),
    ("A", "big", 500.0, 310.0, 160.0, 0.99),
    ("B", "small", 200.0, 200.0, 160.0, 0.70),
]


def dark_balls(*places):
    values = tiny_values(0, SHAPE_ZYX) * np.float32(0.2)
    grid_xyz = np.stack(np.indices(SHAPE_ZYX)[::-1], axis=-1) * VOXEL_SIZE_ANGSTROM
    for position, radius in places:
        values[np.linalg.norm(grid_xyz - position, axis=-1) < radius] = -3e-5
    return values


@pytest.fixture
def inputs(tmp_path, write_kaggle_run):
    """What the command reads; returns its arguments and a writer of candidates."""
    write_kaggle_run(tmp_path, "train", "A", dark_balls((BALL, 40), (SPOT, 15)))
    write_kaggle_run(tmp_path, "train", "B", dark_balls(((200, 200, 160), 40)))
    project = filesystem_config(kaggle_static(tmp_path, "train"), tmp_path / "overlay", ())
    (tmp_path / "train.json").write_text(json.dumps(project))
    particles = [
        {"name": name, "label": label, "radius_angstrom": radius, "color": [200, 0, 0, 128]}
        for label, (name, radius) in enumerate(RADIUS.items(), 1)
    ]
    config = {"particles": particles, "stage2_rerank": {"suppression_fraction": 0.8}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    Folds((("A",), ("B",))).write(tmp_path / "folds.json")
    TRUTH.write(pd.DataFrame(REFERENCES, columns=TRUTH.column_names), tmp_path / "truth.csv")
    half = Threshold(value=0.5, fitted_fbeta=1.0)
    by_rule = RuleThresholds(curve=half, probability=half)
    one = ThresholdSet(stage1=by_rule, two_stage=by_rule)
    of_type = TypeThresholds(final=one, folds=(one, one))
    Thresholds(rule="curve", beta=4.0, types=dict.fromkeys(RADIUS, of_type)).write(
        tmp_path / "thresholds.json"
    )

    def write_candidates(rows):
        table = pd.DataFrame(
            rows, columns=["run", "particle_type", "x", "y", "z", "rerank_score"]
        ).assign(fold=0, candidate_id=np.arange(len(rows)), proposal_score=0.5, is_positive=False)
        OUT_OF_FOLD.write(table, tmp_path / "out_of_fold.parquet")

    write_candidates(CANDIDATES)
    arguments = [
        *("--config", str(tmp_path / "config.yaml")),
        *("--folds", str(tmp_path / "folds.json")),
        *("--truth", str(tmp_path / "truth.csv")),
        *("--out-of-fold", str(tmp_path / "out_of_fold.parquet")),
        *("--thresholds", str(tmp_path / "thresholds.json")),
        *("--copick", str(tmp_path / "train.json")),
        *("--output", str(tmp_path / "pictures.json")),
    ]
    return tmp_path, arguments, write_candidates


@pytest.fixture
def pictures(inputs):
    folder, arguments, _ = inputs
    draw_pictures.main(arguments)
    return ReportPictures.read(folder / "pictures.json")


def decoded(picture):
    kind, data = picture.image.split(",", 1)
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def three_slices(picture):
    """Grey values of the xy, xz and yz slices."""
    pixels = np.asarray(decoded(picture).convert("L")).astype(float)
    gap = (pixels.shape[1] - 3 * PARTICLE_PIXELS) // 2
    starts = [number * (PARTICLE_PIXELS + gap) for number in range(3)]
    return [pixels[:, start : start + PARTICLE_PIXELS] for start in starts]


def test_right_wrong_and_missed_ones_are_told_apart(pictures):
    small = pictures.types["small"]
    assert [(item.run, item.score) for item in small.found] == [("A", 0.95), ("B", 0.7)]
    assert [(item.score, item.stands_there) for item in small.wrong] == [
        (0.9, "big"),
        (0.8, None),
        (0.6, "small"),
    ]
    assert [(item.x, item.score) for item in small.missed] == [(100.0, 0.2), (0.0, None)]
    assert (small.found_total, small.wrong_total, small.missed_total) == (2, 3, 2)
    assert [item.score for item in pictures.types["big"].found] == [0.99]
    assert pictures.types["big"].missed == ()


def test_captions_say_where_and_what(pictures):
    small = pictures.types["small"]
    assert [item.caption for item in small.wrong] == [
        "A, x 500 y 300 z 150 Å, score 0.900, big stands there",
        "A, x 620 y 20 z 300 Å, score 0.800, no labelled particle there",
        "A, x 342 y 240 z 160 Å, score 0.600, duplicate of a better pick",
    ]
    assert [item.caption for item in small.missed] == [
        "A, x 100 y 100 z 160 Å, best candidate's score 0.200",
        "A, x 0 y 0 z 0 Å, never proposed",
    ]


def test_the_dark_particle_is_in_the_middle(pictures):
    of_b = pictures.types["small"].found[1]
    middle = PARTICLE_PIXELS // 2
    for pixels in three_slices(of_b):
        assert pixels[middle - 8 : middle + 8, middle - 8 : middle + 8].mean() < 30
        corners = pixels[[5, 5, -5, -5], [5, -5, 5, -5]]
        assert corners.min() > 90
        dark_rows, dark_columns = np.nonzero(pixels[20:-20, 20:-20] < 30)
        assert abs(dark_rows.mean() + 20 - middle) < 3
        assert abs(dark_columns.mean() + 20 - middle) < 3


def test_y_goes_up_in_xy_and_to_the_right_in_yz(inputs):
    folder, arguments, write_candidates = inputs
    write_candidates([("A", "small", *BALL, 0.95)])
    draw_pictures.main(arguments)
    (found,) = ReportPictures.read(folder / "pictures.json").types["small"].found
    xy, xz, yz = three_slices(found)
    # The spot is 1.6 of the picture's 2 radii from the middle.
    middle, off = PARTICLE_PIXELS // 2, round(0.8 * PARTICLE_PIXELS / 2)

    def shade(pixels, row, column):
        return pixels[row - 3 : row + 3, column - 3 : column + 3].mean()

    assert shade(xy, middle - off, middle) < 60 < 100 < shade(xy, middle + off, middle)
    assert shade(yz, middle, middle + off) < 60 < 100 < shade(yz, middle, middle - off)
    assert min(shade(xz, middle - off, middle), shade(xz, middle + off, middle)) > 100


def test_every_run_is_drawn_once_and_read_once(inputs, monkeypatch):
    folder, arguments, _ = inputs
    read = []

    def counted(copick_config, run, *further, original=draw_pictures.read_tomogram):
        read.append(run)
        return original(copick_config, run, *further)

    monkeypatch.setattr(draw_pictures, "read_tomogram", counted)
    draw_pictures.main(arguments)
    pictures = ReportPictures.read(folder / "pictures.json")
    assert read == [picture.run for picture in pictures.runs] == ["A", "B"]
    assert pictures.training_runs == 2
    # The lowest slice that is near both the pick at 150 Å and those at 160 Å.
    assert pictures.runs[0].z == 150.0
    assert (pictures.runs[0].picks, pictures.runs[0].references) == (4, 3)
    image = decoded(pictures.runs[0])
    assert image.size == (FIELD_PIXELS, FIELD_PIXELS * SHAPE_ZYX[1] // SHAPE_ZYX[2])
    red, green, blue = np.moveaxis(np.asarray(image).astype(int), -1, 0)
    assert (red - np.maximum(green, blue) > 100).any()


def test_runs_without_a_single_pick_or_reference_are_drawn(inputs):
    folder, arguments, write_candidates = inputs
    write_candidates([])
    truth = [row for row in REFERENCES if row[0] == "A"]
    TRUTH.write(pd.DataFrame(truth, columns=TRUTH.column_names), folder / "truth.csv")
    draw_pictures.main(arguments)
    pictures = ReportPictures.read(folder / "pictures.json")
    assert [(picture.run, picture.picks, picture.references) for picture in pictures.runs] == [
        ("A", 0, 3),
        ("B", 0, 0),
    ]
    assert pictures.types["small"].found == pictures.types["small"].wrong == ()
    assert [item.score for item in pictures.types["small"].missed] == [None] * 3


def test_the_same_input_gives_the_same_file(inputs):
    folder, arguments, _ = inputs
    draw_pictures.main(arguments)
    first = (folder / "pictures.json").read_bytes()
    draw_pictures.main(arguments)
    assert (folder / "pictures.json").read_bytes() == first


def test_missed_references_are_spread_from_nearly_picked_to_never_proposed(inputs):
    folder, _, _ = inputs
    rules = ScoringRules.from_config(resolve(load_config([folder / "config.yaml"])))
    places = [("A", "small", 200.0 * number, 0.0, 0.0) for number in range(10)]
    truth = pd.DataFrame(places, columns=TRUTH.column_names)
    candidates = truth.assign(rerank_score=np.arange(10) / 20)[3:]
    picks = pd.DataFrame(columns=[*TRUTH.column_names, "score"]).astype(
        {"x": float, "y": float, "z": float, "score": float}
    )
    chosen = draw_pictures.choose_examples(picks, candidates, truth, rules)["small"]
    assert [item.score for item in chosen.missed] == [0.45, 0.3, 0.15, None]
    assert chosen.missed_total == 10


@pytest.mark.parametrize(
    ("number", "shown"), [(0, ()), (3, ("r0", "r1", "r2")), (9, ("r0", "r3", "r5", "r8"))]
)
def test_of_many_runs_a_part_is_shown(number, shown):
    assert draw_pictures.spread([f"r{run}" for run in range(number)], 4) == shown


def test_a_missing_tomogram_is_named(inputs):
    folder, arguments, _ = inputs
    Folds((("A",), ("B", "C"))).write(folder / "folds.json")
    with pytest.raises(InputError, match="run C: has no tomogram"):
        draw_pictures.main(arguments)
    assert not (folder / "pictures.json").exists()


@pytest.mark.parametrize(
    ("text", "message"), [(None, "draw the pictures first"), ("{}", "holds no pictures")]
)
def test_a_missing_or_damaged_file_is_told(tmp_path, text, message):
    path = tmp_path / "pictures.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        ReportPictures.read(path)
