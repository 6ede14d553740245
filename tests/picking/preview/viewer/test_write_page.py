import dataclasses
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from picking.config import CZII_PARTICLES
from picking.errors import InputError
from picking.files.picks import write_picks
from picking.files.tables import PICKS, SCORED_CANDIDATES
from picking.preview import draw_preview as command
from picking.preview.viewer import write_page
from picking.preview.viewer.content import ShownType, ViewerContent
from picking.preview.viewer.slice_images import SliceImages

CANDIDATES = [
    ("TS_2_2", 0, "ribosome", 100.0, 200.0, 60.0, 0.5, 0.75),
    ("TS_2_2", 1, "ribosome", 110.0, 200.0, 60.0, 0.5, 0.5),  # within the radius of the first
    ("TS_2_2", 2, "ribosome", 400.0, 200.0, 60.0, 0.5, 0.125),
    ("TS_2_2", 3, "apo-ferritin", 100.0, 200.0, 60.0, 0.5, 0.25),
    ("TS_1_1", 0, "ribosome", 100.0, 200.0, 60.0, 0.5, 0.9),
]


class ContentParser(HTMLParser):
    """Takes the text of the script that holds the content."""

    def __init__(self):
        super().__init__()
        self.inside = False
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "script" and ("id", "content") in attrs

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.text += data if self.inside else ""


def content_of(page):
    parser = ContentParser()
    parser.feed(page)
    return json.loads(parser.text)


def picks_of(content):
    return {item["name"]: item["picks"] for item in content["types"]}


@pytest.fixture
def scored(folder):
    path = folder / "my results" / "scored_test.parquet"
    table = pd.DataFrame(CANDIDATES, columns=SCORED_CANDIDATES.column_names)
    SCORED_CANDIDATES.write(table, path)
    return path


@pytest.fixture
def write(folder):
    def write(run, *further):
        output = folder / "pages" / "page.html"
        config, copick = str(folder / "config.yaml"), str(folder / "copick.json")
        command.main([run, "--config", config, "--copick", copick, "--html", str(output), *further])
        return content_of(output.read_text(encoding="utf-8"))

    return write


def write_thresholds(folder, value):
    final = {"two_stage": {"probability": {"value": value}}}
    content = {"rule": "probability", "types": {"ribosome": {"final": final}}}
    (folder / "thresholds.json").write_text(json.dumps(content))


def test_candidates_of_the_run_without_duplicates(write, scored, capsys):
    content = write("TS_2_2", "--scored", str(scored))
    assert picks_of(content) == {
        "apo-ferritin": [[100, 200, 60, 0.25]],
        "ribosome": [[100, 200, 60, 0.75], [400, 200, 60, 0.125]],
    }
    assert content["result"] == f"'{scored.parent}'"
    assert [item["cutoff"] for item in content["types"]] == [0, 0]
    assert "TS_2_2: 3 picks above the cut-offs, 0 references" in capsys.readouterr().out


def test_cutoffs_begin_with_the_thresholds_of_the_result(write, scored, capsys):
    write_thresholds(scored.parent, 0.125)
    content = write("TS_2_2", "--scored", str(scored))
    assert [item["cutoff"] for item in content["types"]] == [0, 0.125]
    # Kept is what scores above.
    assert "TS_2_2: 2 picks above" in capsys.readouterr().out


def test_a_training_run_shows_its_references_besides(write, scored):
    content = write("TS_1_1", "--scored", str(scored))
    assert picks_of(content) == {"apo-ferritin": [], "ribosome": [[100, 200, 60, 0.9]]}
    truth = {item["name"]: item["truth"] for item in content["types"]}
    assert truth == {"apo-ferritin": [[150, 200, 60], [0, 0, 180]], "ribosome": [[400, 200, 120]]}
    assert write("TS_1_1")["kind"] == "truth"


def test_final_picks_serve_where_there_are_no_candidates(write, folder):
    picks = pd.DataFrame([("TS_2_2", "ribosome", 1, 2, 3, 0.5)], columns=PICKS.column_names)
    config = folder / "picks" / "copick.json"
    write_picks(picks, folder / "picks", config, CZII_PARTICLES, folder / "copick.json")
    content = write("TS_2_2", "--picks-config", str(config))
    assert (content["kind"], picks_of(content)) == ("picks", {"ribosome": [[1, 2, 3, 0.5]]})


def test_a_picture_and_a_page_in_one_go(write, folder):
    write("TS_1_1", "--output", str(folder / "one.png"))
    assert (folder / "one.png").exists()


def test_what_is_not_there_is_told(write, scored, folder):
    with pytest.raises(InputError, match=r"run TS_2_2: has no picks of .*--scored"):
        write("TS_2_2")
    with pytest.raises(InputError, match="has no run TS_3_3"):
        write("TS_3_3")
    table = pd.DataFrame(CANDIDATES[-1:], columns=SCORED_CANDIDATES.column_names)
    SCORED_CANDIDATES.write(table, scored)
    with pytest.raises(InputError, match=r"no candidates in run TS_2_2; .*out_of_fold\.parquet"):
        write("TS_2_2", "--scored", str(scored))
    assert not (folder / "pages").exists()


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ([], "--output, --html: neither is given"),
        (["--output", "a.png", "--scored", "b.parquet"], "--html: is not given"),
    ],
)
def test_options_that_make_no_sense_together(folder, further, message):
    paths = ["--config", str(folder / "config.yaml"), "--copick", str(folder / "copick.json")]
    with pytest.raises(InputError, match=message):
        command.main(["TS_1_1", *paths, *further])


def test_the_picks_count_for_the_length_of_the_page(write, folder, monkeypatch):
    content = write("TS_1_1")
    most = (folder / "pages" / "page.html").stat().st_size - 1
    monkeypatch.setattr(write_page, "MOST_BYTES", most)
    monkeypatch.setattr(write_page, "BYTES_AROUND_IMAGES", 1_000)
    smaller = write("TS_1_1")
    assert (folder / "pages" / "page.html").stat().st_size <= most
    assert smaller["types"] == content["types"]


def test_names_cannot_break_the_page_and_nothing_is_fetched():
    name = """</script><script>alert(1)</script>&"'<!--"""
    of_type = ShownType(name, 50, "rgb(1 2 3)", "white", 0, ((1, 2, 3, 0.5),), ())
    slices = SliceImages((), (5.0,), (0, 1, 0, 1))
    content = ViewerContent(name, "picks", name, (of_type,), slices)
    page = write_page.render(content)
    assert content_of(page) == json.loads(json.dumps(dataclasses.asdict(content)))
    assert page.count("<script") == 2
    assert re.findall(r"""(?:src|href)=["'](?!data:)|url\(|@import|fetch\(""", page) == []
