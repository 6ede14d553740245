"""The report's page in a real browser: every section is there and nothing complains."""

import re

import pytest
from PIL import Image

from tests.headless_chromium import browse, needs_chromium
from tests.stage2_rerank.page_tables import PageTables

SECTIONS = (
    "answer",
    "types",
    "curves",
    "thresholds",
    "runs",
    "likeness",
    "drift",
    "loss",
    "importance",
)
PHONE_WIDTH = 390

pytestmark = needs_chromium


def test_every_section_is_there_and_the_console_is_silent(pipeline, tmp_path):
    page = pipeline.path("cv_report.html")
    shown = browse(page.resolve().as_uri(), tmp_path, "--dump-dom")
    ids = re.findall(r'id="([a-z-]+)"', shown.stdout)
    assert [section for section in SECTIONS if section not in ids] == []
    assert "CONSOLE" not in shown.stderr
    # What the browser makes of the page is what was written: no tag that it had to fix.
    assert PageTables(shown.stdout).rows == PageTables(page.read_text()).rows


@pytest.mark.parametrize("width", [PHONE_WIDTH, 1280])
def test_a_screenshot_has_ink_from_top_to_bottom(pipeline, tmp_path, width):
    picture = tmp_path / "page.png"
    browse(
        pipeline.path("cv_report.html").resolve().as_uri(),
        tmp_path,
        f"--screenshot={picture}",
        f"--window-size={width},3000",
    )
    with Image.open(picture) as image:
        grey = image.convert("L")
        assert grey.width >= width
        for top in range(0, 3000, 500):
            low, high = grey.crop((0, top, grey.width, top + 500)).getextrema()
            assert high - low > 100
