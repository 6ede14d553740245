"""The page in a real browser: what is drawn, and what the controls do."""

import html
import json
import re

import numpy as np
import pytest

from picking.files.tomogram import Tomogram
from picking.preview.viewer.content import ShownType, ViewerContent
from picking.preview.viewer.slice_images import slice_images
from picking.preview.viewer.write_page import render
from tests.headless_chromium import browse, needs_chromium

pytestmark = needs_chromium

# Slices at 5, 25, ... 145 Å.
SHAPE_ZYX = (16, 24, 32)
NAME = "a</script><b>"
TYPES = (
    ShownType(
        "ribosome",
        50.0,
        "rgb(0 92 49)",
        "white",
        0.2,
        # Above, in and below the slice at 65 Å; the last one below the cut-off.
        ((100, 100, 65, 0.9), (200, 100, 105, 0.5), (60, 150, 120, 0.4), (250, 150, 65, 0.1)),
        (),
    ),
    ShownType(
        "a+b(c)",
        40.0,
        "rgb(255 204 153)",
        "black",
        0.0,
        ((100, 100, 25, 0.3),),
        ((110, 100, 65), (110, 100, 145)),
    ),
)


# What there is to see, as JSON in an element of the page that the browser prints.
LOOK = """
const seen = [];
function look() {
  const text = (id) => element(id).textContent;
  seen.push({
    outlines: [...element("outlines").children].map((group) => [
      group.getAttribute("class"),
      group.dataset.type,
      Number(group.lastChild.getAttribute("r")) / placing().scale,
    ]),
    counts: [...document.querySelectorAll(".count")].map((count) => count.textContent),
    height: text("height"), total: text("total"), pick: text("pick"),
    command: element("command").value,
  });
}
function open(address) { history.replaceState(null, "", address); readAddress(); draw(); look(); }
"""
WRITE = """
document.body.append(make("pre", { id: "seen", textContent: JSON.stringify(seen) }));
"""


@pytest.fixture
def show(tmp_path):
    """Open the page at an address, take steps in JavaScript, and give what each ``look()`` saw."""
    values = np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32)
    images = slice_images(Tomogram(NAME, values, np.full(3, 10.0)), 10**6)
    page = render(ViewerContent(NAME, "candidates", "results/NAME", TYPES, images))

    def show(fragment, steps):
        path = tmp_path / "page.html"
        script = f"<script>{LOOK}{steps}{WRITE}</script></body>"
        path.write_text(page.replace("</body>", script), encoding="utf-8")
        address = f"{path.as_uri()}{fragment}"
        answer = browse(address, tmp_path, "--virtual-time-budget=2000", "--dump-dom")
        assert "CONSOLE" not in answer.stderr
        shown = answer.stdout
        assert "<h1>a&lt;/script&gt;&lt;b&gt;</h1>" in shown
        seen = re.search(r'<pre id="seen">(.*?)</pre>', shown, re.DOTALL)[1]
        return json.loads(html.unescape(seen)), re.search("<title>(.*?)</title>", shown)[1]

    return show


def kinds(seen):
    """Kind and type of each outline."""
    return [(kind, name) for kind, name, _ in seen["outlines"]]


def test_the_address_says_what_is_shown(show):
    steps = """
        look();
        open("#z=65&cutoff=ribosome:0.05&hide=a%2Bb(c)");
        open("#z=65&cutoff=ribosome:0.5&cutoff=unknown:0.1&cutoff=ribosome:x&references=off");
        """
    (first, second, third), _ = show("#z=65", steps)
    assert kinds(first) == [("pick", "ribosome"), ("pick", "ribosome"), ("truth", "a+b(c)")]
    # A slice 40 Å off the middle cuts a sphere of 50 Å in a circle of 30 Å.
    assert [radius for *_, radius in first["outlines"][:2]] == pytest.approx([50, 30])
    assert first["height"] == "65 Å, slice 4 of 8"
    assert first["total"] == "4 picks of the run above the cut-offs"
    assert first["counts"] == ["3 of 4", "1 of 1"]
    assert kinds(second) == [("pick", "ribosome")] * 3
    assert second["counts"] == ["4 of 4", "1 of 1"]
    assert kinds(third) == [("pick", "ribosome")]


def test_sliders_keys_and_the_wheel(show):
    steps = """
        const [ribosome, other] = document.querySelectorAll(".type");
        const slider = ribosome.querySelector("[type=range]");
        const move = (input, value) => {
          input.value = value;
          input.dispatchEvent(new Event("input"));
        };
        const press = (key) => new KeyboardEvent("keydown", { key, bubbles: true });
        move(slider, "300");
        move(other.querySelector("[type=number]"), "0.12");
        look();
        document.dispatchEvent(press("ArrowDown"));
        slider.dispatchEvent(press("ArrowDown"));
        slider.dispatchEvent(press("ArrowLeft"));
        element("outlines").dispatchEvent(new WheelEvent("wheel", { deltaY: 100 }));
        look();
        move(slider, slider.max);
        look();
        element("reset").click();
        look();
        """
    (cut, moved, highest, reset), _ = show("#z=65", steps)
    assert " ".join(cut["command"].replace("\\", "").split()) == (
        "python -m stage2_rerank.pick_again results/NAME --output FOLDER "
        "--probability ribosome=0.0316 'a+b(c)=0.12'"
    )
    assert cut["counts"] == ["4 of 4", "1 of 1"]
    assert moved["height"] == "5 Å, slice 1 of 8"
    assert kinds(moved) == [("pick", "a+b(c)")]
    # Above 1 there is no probability, and the command takes none of 1.
    assert "ribosome=0.999" in highest["command"]
    assert highest["counts"][0] == "0 of 4"
    assert "--probability" not in reset["command"]
    assert reset["counts"][0] == "3 of 4"


def test_picks_say_what_they_are(show):
    steps = """
        const at = placing();
        for (const kind of ["pointerdown", "pointerup"]) {
          const place = { clientX: at.x(110), clientY: at.y(103) };
          element("outlines").dispatchEvent(new PointerEvent(kind, place));
        }
        look();
        const [more, less] = document.querySelectorAll(".type button");
        less.click(); less.click(); look();
        less.click(); look();
        element("truth").click();
        chosen = { type: types[1], pick: types[1].truth[0] }; draw(); look();
        """
    (clicked, last, below, reference), _ = show("#z=65&references=off", steps)
    assert clicked["pick"] == "ribosome, probability 0.900, xyz 100 100 65 Å"
    assert ("pick chosen", "ribosome") in kinds(clicked)
    assert last["pick"] == "ribosome, probability 0.400, xyz 60 150 120 Å"
    assert last["height"] == "125 Å, slice 7 of 8"
    assert below["pick"] == "ribosome, probability 0.100, xyz 250 150 65 Å, below the cut-off"
    assert below["height"] == "65 Å, slice 4 of 8"
    assert ("below chosen", "ribosome") in kinds(below)
    assert reference["pick"] == "a+b(c), reference, xyz 110 100 65 Å"
    assert [kind for kind in kinds(reference) if "a+b(c)" in kind] == [("truth chosen", "a+b(c)")]


def test_the_slice_is_drawn_and_the_address_remembers(show):
    steps = """
        setTimeout(() => {
          const { width, height } = element("slice");
          const { data } = element("slice").getContext("2d").getImageData(0, 0, width, height);
          document.title = `${new Set(data).size > 50} ${location.hash}`;
        }, 1000);
        setCutoff(types[1], 0.5);
        """
    _, title = show("#z=65&hide=ribosome", steps)
    assert title == "true #z=65&amp;hide=ribosome&amp;cutoff=a%2Bb%28c%29%3A0.5"
