"""docs/configuration.md: every key, as the models say it."""

from pathlib import Path

import pytest

from picking.config import reference
from picking.config.reference import type_text

DOCUMENTED = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def test_the_command_prints_what_the_documentation_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reference.main([])
    printed = capsys.readouterr().out
    assert "| `number` | integer at least 2 | `4` | folds; never more than" in printed
    assert "## `stage2_rerank.classifier`\n\nOne classifier per particle type" in printed
    fix = "run python -m picking.config.reference > docs/configuration.md"
    assert DOCUMENTED.read_text(encoding="utf-8") == printed, fix


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number above 0 and at most 1"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"enum": ["auto", "never"], "type": "string"}, "`auto` or `never`"),
        ({"type": "array", "items": {"type": "string", "format": "path"}}, "list (path)"),
        ({"type": "array", "prefixItems": [{"type": "integer"}] * 3}, "list of 3 (integer)"),
    ],
)
def test_types_are_told_in_words(schema: dict[str, object], text: str) -> None:
    assert type_text(schema) == text
