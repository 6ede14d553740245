"""The import rules of the rooms, and what the folders promise."""

import ast
import re
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.documented_commands import pages

REPOSITORY = Path(__file__).parent.parent
ROOMS = ("picking", "stage1_proposals", "features", "stage2_rerank")
# The rooms that a room may take something from.
KNOWN_ROOMS = {
    "picking": {"picking"},
    "stage1_proposals": {"stage1_proposals", "picking"},
    "features": {"features", "picking"},
    "stage2_rerank": {"stage2_rerank", "picking"},
}
# Folders of the repository that no room may import.
OTHER_FOLDERS = {"tests", "benchmarks", "config", "docs", "kaggle"}
NETWORK = {"torch", "torchvision", "segmentation_models_pytorch_3d", "safetensors"}
BOOSTING = {"lightgbm", "sklearn"}
# torch and LightGBM never share a process.
HEAVY = {
    "picking": NETWORK | BOOSTING,
    "stage1_proposals": BOOSTING,
    "features": NETWORK | BOOSTING,
    "stage2_rerank": NETWORK,
}
LINK = re.compile(r"\]\((?!\))([^)#\s]*)(?:#([^)\s]*))?\)")
MOST_LINES = 400
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "misc"}


def modules(room: str) -> list[Path]:
    return sorted((REPOSITORY / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def refused(path: Path, room: str) -> set[str]:
    """What a module of the room imports and may not."""
    rooms_and_folders = {*ROOMS, *OTHER_FOLDERS} - KNOWN_ROOMS[room]
    return imported(path) & (rooms_and_folders | HEAVY[room])


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_what_it_may_not(room: str) -> None:
    found = {path: refused(path, room) for path in modules(room)}
    assert modules(room)
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("room", "line", "names"),
    [
        ("features", "def f():\n    from torch.nn import Module\n    return Module", {"torch"}),
        ("features", "from stage1_proposals.network.unet import embed", {"stage1_proposals"}),
        ("picking", "import features.catalogue as catalogue", {"features"}),
        ("stage1_proposals", "import lightgbm", {"lightgbm"}),
        ("stage2_rerank", "from tests.conftest import SHARED", {"tests"}),
        ("stage2_rerank", "import lightgbm\nfrom picking.files.tables import PICKS", set()),
    ],
)
def test_the_import_rules_would_notice(
    tmp_path: Path, room: str, line: str, names: set[str]
) -> None:
    path = tmp_path / "module.py"
    path.write_text(line)
    assert refused(path, room) == names


@pytest.mark.parametrize("room", ROOMS)
def test_files_are_short_and_named_by_their_job(room: str) -> None:
    for path in modules(room):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path
        assert path.stem not in EMPTY_WORDS, path


RULE_FILES = [REPOSITORY / "Snakefile", *sorted(REPOSITORY.glob("*/rules.smk"))]
# Statements that compute; a rule may be under an `if`, and a comprehension is one expression.
LOGIC = re.compile(
    r"^\s*(?:def|class|while|try)\b|^\s*for .*:$|^\s*(?:import|from) (?P<module>[\w.]+)",
    re.MULTILINE,
)
# What the Snakefile may import: the workflow's own module, and what names its folder and time.
IMPORTED_BY_SNAKEFILE = re.compile(r"picking\.workflow\.\w+|snakemake\.utils|re|sys|time|pathlib")


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.parent.name)
def test_rule_files_hold_rules_and_nothing_else(path: Path) -> None:
    found = list(LOGIC.finditer(path.read_text(encoding="utf-8")))
    if path.name == "Snakefile":
        found = [
            line
            for line in found
            if not (line["module"] and IMPORTED_BY_SNAKEFILE.fullmatch(line["module"]))
        ]
    assert [line.group() for line in found] == []


def sub_rooms(room: str) -> dict[str, set[str]]:
    """The sub-rooms of a room, each with those that its modules import."""
    found: dict[str, set[str]] = {}
    for path in modules(room):
        folder, *below = path.relative_to(REPOSITORY / room).parts
        if not below:
            continue
        imports = rf"^\s*from {room}\.(\w+)[\w.]* import"
        names = set(re.findall(imports, path.read_text(encoding="utf-8"), re.MULTILINE))
        found.setdefault(folder, set()).update(names - {folder})
    return {folder: names & set(found) for folder, names in found.items()}


@pytest.mark.parametrize("room", ROOMS)
def test_no_sub_room_imports_one_that_imports_it(room: str) -> None:
    try:
        list(TopologicalSorter(sub_rooms(room)).static_order())
    except CycleError as error:
        pytest.fail(f"{room}: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("room", ROOMS)
def test_test_folders_mirror_the_rooms(room: str) -> None:
    folders = {path.parent for path in (REPOSITORY / "tests" / room).rglob("test_*.py")}
    assert folders
    for folder in folders:
        assert (REPOSITORY / folder.relative_to(REPOSITORY / "tests")).is_dir(), folder


def pinned(lines: str) -> dict[str, str]:
    """Versions by the package's name in its one spelling."""
    found = re.findall(r"^[\s-]*([A-Za-z0-9_.-]+)==(\S+)$", lines, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


CONSTRAINTS = pinned((REPOSITORY / "constraints.txt").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIRED = {
    "dependencies": PROJECT["dependencies"],
    **PROJECT["optional-dependencies"],
}


@pytest.mark.parametrize("group", ["dependencies", "test", "dev", "slurm"])
def test_every_requirement_is_pinned_to_a_version_that_it_allows(group: str) -> None:
    requirements = [Requirement(line) for line in REQUIRED[group]]
    assert requirements
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name != PROJECT["name"]:
            assert name in CONSTRAINTS
            assert CONSTRAINTS[name] in requirement.specifier, requirement


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    missing = [
        (target, heading)
        for target, heading in targets
        if "://" not in target
        and not target.startswith("mailto:")
        and not leads_somewhere(page.parent / target if target else page, heading)
    ]
    assert missing == []


def leads_somewhere(path: Path, heading: str) -> bool:
    return path.exists() and (not heading or heading in headings(path))


def headings(page: Path) -> set[str]:
    """Headings of a page as GitHub makes addresses of them."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def test_the_links_would_be_noticed(tmp_path: Path) -> None:
    text = "see [a](docs/a.md#part-2), [b](https://b.org), [c](#c) and ![c](c.png)"
    assert LINK.findall(text) == [
        ("docs/a.md", "part-2"),
        ("https://b.org", ""),
        ("", "c"),
        ("c.png", ""),
    ]
    page = tmp_path / "a.md"
    page.write_text("# A\n\n## `Part`, 2: it's\n")
    assert leads_somewhere(page, "part-2-its")
    assert not leads_somewhere(page, "part-3")


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {target for target, _ in LINK.findall(index)}
    there = {page.name for page in (REPOSITORY / "docs").glob("*.md")} - {"README.md"}
    assert there - linked == set()
