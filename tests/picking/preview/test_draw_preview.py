import numpy as np
import pandas as pd
import pytest
from PIL import Image

from picking.config import CZII_PARTICLES, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.picks import write_picks
from picking.files.tables import PICKS
from picking.files.tomogram import Tomogram
from picking.preview import draw_preview as command
from picking.preview.draw_preview import preview, slice_heights
from picking.preview.slice_drawing import edge_color, near_slice
from tests.picking.preview.conftest import SHAPE_ZYX


@pytest.fixture
def run_preview(folder):
    def run(name, *further):
        output = folder / "pictures" / "preview.png"
        command.main(
            [
                name,
                *("--config", str(folder / "config.yaml")),
                *("--copick", str(folder / "copick.json")),
                *("--output", str(output)),
                *further,
            ]
        )
        return output

    return run


def has_color(path, color):
    with Image.open(path) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    return bool((np.abs(pixels - color[:3]).max(axis=1) <= 3).any())


def test_it_draws_the_picks_in_the_colours_of_their_types(run_preview, capsys):
    path = run_preview("TS_1_1")
    color = {item.name: item.color for item in CZII_PARTICLES}
    assert has_color(path, color["apo-ferritin"])
    assert has_color(path, color["ribosome"])
    assert not has_color(path, color["thyroglobulin"])
    assert "TS_1_1: 3 picks" in capsys.readouterr().out


def test_final_picks_come_with_their_scores(folder, run_preview):
    picks = pd.DataFrame(
        [("TS_2_2", "thyroglobulin", 300.0, 200.0, 100.0, 0.75)], columns=PICKS.column_names
    )
    config = folder / "picks" / "copick.json"
    write_picks(picks, folder / "picks", config, CZII_PARTICLES, folder / "copick.json")
    path = run_preview("TS_2_2", "--picks-config", str(config), "--slices", "1")
    assert has_color(path, (43, 206, 72))
    with pytest.raises(InputError, match=r"picks/copick\.json, run TS_1_1: has no picks of"):
        run_preview("TS_1_1", "--picks-config", str(config))


def test_final_picks_are_found_under_the_user_that_the_settings_name(folder, run_preview):
    picks = pd.DataFrame([("TS_2_2", "ribosome", 1, 2, 3, 0.5)], columns=PICKS.column_names)
    config = folder / "picks" / "copick.json"
    project = folder / "copick.json"
    write_picks(picks, folder / "picks", config, CZII_PARTICLES, project, "me", "7")
    arguments = ("TS_2_2", "--picks-config", str(config), "--slices", "1")
    with pytest.raises(InputError, match=r"has no picks of .*settings/picks_author\.yaml"):
        run_preview(*arguments)
    with (folder / "config.yaml").open("a") as settings:
        settings.write("final_picks: {user_id: me, session_id: 7}\n")
    page = folder / "run.html"
    assert run_preview(*arguments, "--html", str(page)).exists()
    assert page.exists()


def test_an_unknown_run_is_answered_with_the_known_ones(run_preview, folder):
    with pytest.raises(InputError, match="has no run TS_3_3; the runs are TS_1_1, TS_2_2"):
        run_preview("TS_3_3")
    assert not (folder / "pictures").exists()


def test_a_run_without_picks_is_told(run_preview):
    with pytest.raises(InputError, match=r"run TS_2_2: has no picks of .*--picks-config"):
        run_preview("TS_2_2")


def test_the_number_of_slices_has_to_be_one_at_least(run_preview):
    with pytest.raises(InputError, match="--slices: is 0"):
        run_preview("TS_1_1", "--slices", "0")


def test_slices_lie_evenly_where_the_picks_are():
    tomogram = Tomogram("R", np.zeros(SHAPE_ZYX, np.float32), np.full(3, 10.0))
    picks = pd.DataFrame({"z": [20.0, 100.0, 60.0]})
    assert slice_heights(picks, tomogram, 4).tolist() == [30, 50, 70, 90]
    outside = pd.DataFrame({"z": [-50.0, 900.0]})
    assert slice_heights(outside, tomogram, 1).tolist() == [115]


def test_a_particle_is_drawn_where_its_centre_is_near():
    picks = pd.DataFrame({"particle_type": ["a", "b", "a", "c"], "z": [100.0, 100, 131, 120]})
    near = near_slice(picks, 120.0, {"a": 30.0, "b": 40.0})
    assert near.index.tolist() == [1, 2]


def test_light_colours_have_a_dark_edge():
    assert edge_color((255, 204, 153, 128)) == "black"
    assert edge_color((76, 0, 92, 128)) == "white"


def test_the_function_returns_the_picks(folder):
    config = resolve(load_config([folder / "config.yaml"]))
    picks = preview(config, "TS_1_1", folder / "copick.json", None, folder / "one.png", slices=3)
    assert picks["particle_type"].tolist() == ["apo-ferritin"] * 2 + ["ribosome"]
