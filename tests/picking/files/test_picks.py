import json

import copick
import numpy as np
import pandas as pd
import pytest

from picking.config import CZII_PARTICLES, TruthSettings
from picking.data_in.inventory import kaggle_static
from picking.errors import InputError
from picking.files.copick_project import filesystem_config
from picking.files.picks import read_picks, write_picks
from picking.files.tables import PICKS
from picking.files.truth import read_truth
from tests.conftest import picks_content

TYPES = [particle.name for particle in CZII_PARTICLES]
RIBOSOME = next(particle for particle in CZII_PARTICLES if particle.name == "ribosome")


@pytest.fixture
def project(tmp_path, kaggle_dataset):
    """copick configuration of the test split."""
    config = tmp_path / "test.json"
    content = filesystem_config(
        kaggle_static(kaggle_dataset, "test"), tmp_path / "test_overlay", CZII_PARTICLES
    )
    config.write_text(json.dumps(content))
    return config


@pytest.fixture
def picks():
    generator = np.random.default_rng(5)
    rows = [
        (run, name, *generator.uniform(0, 6000, 3), generator.uniform())
        for run, name in [
            ("TS_1_1", "apo-ferritin"),
            ("TS_1_1", "apo-ferritin"),
            ("TS_1_1", "virus-like-particle"),
            ("TS_9_9", "apo-ferritin"),
        ]
    ]
    return pd.DataFrame(rows, columns=PICKS.column_names)


def test_positions_and_scores_come_back_exactly(tmp_path, project, picks):
    overlay, config = tmp_path / "picks", tmp_path / "picks" / "copick.json"
    write_picks(picks, overlay, config, CZII_PARTICLES, project)
    back = read_picks(config, ["TS_1_1", "TS_9_9"], TYPES)
    pd.testing.assert_frame_equal(back, picks, check_exact=True)


def test_copick_opens_the_picks_beside_the_tomograms(tmp_path, project, picks):
    config = tmp_path / "copick.json"
    write_picks(picks, tmp_path / "picks", config, CZII_PARTICLES, project)
    root = copick.from_file(str(config))
    run = root.get_run("TS_1_1")
    (ferritin,) = run.get_picks("apo-ferritin", user_id="tomosieve", session_id="0")
    assert ferritin.load().unit == "angstrom"
    assert [point.score for point in ferritin.points] == picks["score"][:2].tolist()
    assert run.get_voxel_spacing(10.0).get_tomograms("denoised")
    files = sorted(path.name for path in (tmp_path / "picks").rglob("*_*_*.json"))
    assert files == ["tomosieve_0_apo-ferritin.json"] * 2 + ["tomosieve_0_virus-like-particle.json"]


def test_picks_under_another_user_and_session_take_the_place_of_ours(tmp_path, project, picks):
    overlay, config = tmp_path / "picks", tmp_path / "picks" / "copick.json"
    write_picks(picks, overlay, config, CZII_PARTICLES, project)
    write_picks(picks, overlay, config, CZII_PARTICLES, project, "me", "second-look")
    files = {path.name for path in overlay.rglob("*_*_*.json")}
    assert files == {"me_second-look_apo-ferritin.json", "me_second-look_virus-like-particle.json"}
    run = copick.from_file(str(config)).get_run("TS_1_1")
    (ferritin,) = run.get_picks("apo-ferritin", user_id="me", session_id="second-look")
    assert (ferritin.load().user_id, ferritin.load().session_id) == ("me", "second-look")
    back = read_picks(config, ["TS_1_1", "TS_9_9"], TYPES, "me", "second-look")
    pd.testing.assert_frame_equal(back, picks, check_exact=True)


def test_rewriting_replaces_and_is_deterministic(tmp_path, project, picks):
    def written():
        folder = tmp_path / "picks"
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    arguments = (tmp_path / "picks", tmp_path / "picks" / "copick.json", CZII_PARTICLES, project)
    write_picks(picks, *arguments)
    first = written()
    write_picks(picks[:1], *arguments)
    assert len(written()) < len(first)
    write_picks(picks, *arguments)
    assert written() == first


def test_a_persons_picks_beside_ours_stay(tmp_path, project, picks):
    overlay, config = tmp_path / "picks", tmp_path / "picks" / "copick.json"
    write_picks(picks, overlay, config, CZII_PARTICLES, project)
    root = copick.from_file(str(config))
    curated = root.get_run("TS_1_1").new_picks("apo-ferritin", session_id="1", user_id="me")
    curated.points = root.get_run("TS_1_1").get_picks("apo-ferritin")[0].points
    curated.store()
    (theirs,) = overlay.rglob("me_1_apo-ferritin.json")
    before = theirs.read_bytes()
    for again in (picks, PICKS.empty(), picks):
        write_picks(again, overlay, config, CZII_PARTICLES, project)
        assert theirs.read_bytes() == before
    assert len(read_picks(config, ["TS_1_1", "TS_9_9"], TYPES)) == len(picks)


def test_no_picks_at_all(tmp_path, project):
    config = tmp_path / "copick.json"
    write_picks(PICKS.empty(), tmp_path / "picks", config, CZII_PARTICLES, project)
    assert read_picks(config, ["TS_1_1"], TYPES).empty


def test_bad_scores_leave_nothing(tmp_path, project, picks):
    with pytest.raises(InputError, match="column score"):
        write_picks(
            picks.assign(score=np.nan), tmp_path / "picks", tmp_path / "c", CZII_PARTICLES, project
        )
    assert not (tmp_path / "picks").exists()


@pytest.fixture
def truth_project(tmp_path):
    """A project with an overlay alone; returns its configuration and a writer of picks files."""
    overlay = tmp_path / "mine"
    config = tmp_path / "mine.json"
    content = filesystem_config(overlay, overlay, CZII_PARTICLES)
    config.write_text(json.dumps(content))

    def write(name, content, run="R1"):
        folder = overlay / "ExperimentRuns" / run / "Picks"
        folder.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text)

    return config, write


def test_centre_is_location_plus_translation(truth_project):
    config, write = truth_project
    content = picks_content("R1", "ribosome", [[1, 2, 3]])
    content["points"][0]["transformation_"][0][3] = 10.0
    write("me_1_ribosome.json", content)
    truth = read_truth(config, ["R1"], [RIBOSOME])
    assert truth.to_numpy().tolist() == [["R1", "ribosome", 11.0, 2.0, 3.0]]


def test_user_session_and_type_select(truth_project):
    config, write = truth_project
    for number, name in enumerate(("me_1", "me_2", "you_1")):
        write(f"{name}_ribosome.json", picks_content("R1", "ribosome", [[number, 0, 0]]))
    write("me_1_membrane.json", picks_content("R1", "membrane", [[9, 9, 9]]))

    def x(user, session):
        truth = TruthSettings(user_id=user, session_id=session)
        return read_truth(config, ["R1"], CZII_PARTICLES, truth)["x"].tolist()

    assert x("me", "2") == [1.0]
    assert x("you", None) == [2.0]
    assert x("nobody", None) == []
    with pytest.raises(InputError, match=r"me/1, me/2.*truth\.user_id and truth\.session_id"):
        x("me", None)


GOOD = picks_content("R1", "ribosome", [[1, 2, 3]])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("me_1_ribosome.json", json.dumps(GOOD)[:-30], "me_1_ribosome.json: is not a valid"),
        ("me_1_ribosome.json", {**GOOD, "unit": "pixel"}, "unit 'pixel'"),
        ("me_1_ribosome.json", {**GOOD, "pickable_object_name": "thyroglobulin"}, "disagree"),
        ("me_1_ribosome.json", picks_content("R1", "ribosome", [[np.nan, 0, 0]]), "non-finite"),
        ("ribosome.json", GOOD, "ribosome.json: is not named as copick does"),
    ],
)
def test_bad_picks_are_named(truth_project, name, content, message):
    config, write = truth_project
    write(name, content)
    with pytest.raises(InputError, match=message) as caught:
        read_truth(config, ["R1"], [RIBOSOME])
    assert "\n" not in str(caught.value)


def test_missing_run_is_named(truth_project):
    config, write = truth_project
    write("me_1_ribosome.json", GOOD)
    with pytest.raises(InputError, match="has no run R2"):
        read_truth(config, ["R2"], [RIBOSOME])
