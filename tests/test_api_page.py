"""The page of what notebooks use: up to date, and every docstring on it whole."""

import runpy
from typing import Any

import griffe
import pytest
from griffe import Attribute, Class, DocstringSectionKind, Function

from tests.workflow_runs import REPOSITORY

WRITER = runpy.run_path(str(REPOSITORY / "docs" / "write_api_page.py"))
BOUND = ("self", "cls")


def lacks(item: Function | Class | Attribute) -> list[str]:
    """What the docstring of a listed object does not say."""
    sections: dict[DocstringSectionKind, Any] = WRITER["docstring_sections"](item)
    found = [] if DocstringSectionKind.text in sections else ["what it is"]
    if isinstance(item, Attribute):
        return found
    described = sections.get(DocstringSectionKind.parameters, ())
    found += [one.name for one in described if not one.description]
    if isinstance(item, Class) and not item.parameters:
        return found  # a pydantic model, whose fields describe themselves
    taken = {one.name for one in item.parameters if one.name not in BOUND}
    found += sorted(taken.symmetric_difference(one.name for one in described))
    answers = isinstance(item, Function) and str(item.returns) != "None"
    if answers and DocstringSectionKind.returns not in sections:
        found.append("what it returns")
    return found


@pytest.mark.parametrize("section", WRITER["SECTIONS"], ids=lambda section: section.title)
def test_everything_on_the_page_is_described(section: Any) -> None:
    entries = list(WRITER["entries"](section))
    assert entries
    found = {one.item.path: lacks(one.item) for one in entries}
    found |= {member.path: lacks(member) for one in entries for member in one.members}
    assert {path: words for path, words in found.items() if words} == {}


def test_a_docstring_that_lacks_something_would_be_noticed(tmp_path: Any) -> None:
    (tmp_path / "poor.py").write_text(
        "def f(a: int, b: int) -> int:\n"
        '    """Do it.\n\n'
        "    Parameters\n    ----------\n    a : int\n    c : int\n        Old.\n"
        '    """\n'
        "    return a\n"
    )
    loader = griffe.GriffeLoader(search_paths=[tmp_path], docstring_parser="numpy")
    assert lacks(loader.load("poor")["f"]) == ["a", "b", "c", "what it returns"]


def test_the_page_is_what_the_docstrings_say() -> None:
    page = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    assert page == WRITER["page"](), "make it again: python docs/write_api_page.py > docs/api.md"
