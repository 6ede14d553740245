"""The commands that the pages show, as a reader would paste them."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.workflow_runs import REPOSITORY

TABLE = Path(__file__).with_name("documented_commands.yaml")
FOLDERS = ("docs", "kaggle", "benchmarks", "profiles", "picking", "stage1_proposals", "features",
           "stage2_rerank")  # fmt: skip
# A history of the project shows commands as they were.
NOT_READ = {"CHANGELOG.md"}

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# In running text: what begins with a program and goes on.
INLINE = re.compile(r"`((?:snakemake|python)\s[^`]+)`")


def pages() -> list[Path]:
    found = [page for page in REPOSITORY.glob("*.md") if page.name not in NOT_READ]
    for folder in FOLDERS:
        found += (REPOSITORY / folder).rglob("*.md")
    return sorted(found)


def blocks(text: str, language: str) -> list[str]:
    return [content for name, content in FENCE.findall(text) if name == language]


def commands(text: str) -> list[str]:
    """Commands of a page in their order, each in one line: of its bash blocks, then of its text."""
    lines = []
    for block in blocks(text, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            lines += line.split(" && ")
    lines += INLINE.findall(FENCE.sub("", text))
    one_line = (" ".join(line.split()) for line in lines)
    return [line for line in one_line if line and not line.startswith("#")]


def all_commands() -> set[str]:
    return {line for page in pages() for line in commands(page.read_text(encoding="utf-8"))}


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def declared() -> dict[str, list[str]]:
    """Read the table: commands by what is done with them, or by why they cannot run here."""
    content = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    not_here = content.pop("not_here")
    return {way: _lines(text) for way, text in (content | not_here).items()}


def with_stand_ins(command: str, stand_ins: Iterable[tuple[str, str]]) -> str:
    """Put what there is in the place of what a command only names."""
    for pattern, stand_in in stand_ins:
        command = re.sub(pattern, stand_in, command)
    return command
