"""JSON content with something wrong in it, for damaged_inputs.py."""

import copy
import json
import random
from typing import Any

# What stands where something else should.
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, float("nan"), float("inf"), 10**30, "", " ", "\x00", "../..", "a/b",
    "x" * 300, "日本", [], {}, [[]], {"a": {}}, [None] * 5, [1, 2, 3], "1e9", "null", "<f4", "|O",
)  # fmt: skip


def damaged(content: Any, rng: random.Random) -> Any:
    """Replace, remove or add something at a random place of JSON content."""
    content = copy.deepcopy(content)
    if not isinstance(content, (dict, list)) or not content:
        return copy.deepcopy(rng.choice(JUNK))
    keys = list(content) if isinstance(content, dict) else range(len(content))
    key = rng.choice(list(keys))
    kind = rng.random()
    if kind < 0.15:
        del content[key]
    elif kind < 0.25 and isinstance(content, dict):
        content[str(rng.choice(JUNK))] = copy.deepcopy(rng.choice(JUNK))
    elif kind < 0.25:
        content.append(copy.deepcopy(rng.choice(JUNK)))
    elif kind < 0.6:
        content[key] = damaged(content[key], rng)
    else:
        content[key] = copy.deepcopy(rng.choice(JUNK))
    return content


def damaged_text(content: Any, rng: random.Random) -> bytes:
    """Write damaged content as JSON, now and then cut off or with other bytes in it."""
    for _ in range(rng.randint(1, 3)):
        content = damaged(content, rng)
    text = json.dumps(content).encode()
    kind = rng.random()
    if kind < 0.1:
        return text[: rng.randrange(len(text) + 1)]
    if kind < 0.2:
        place = rng.randrange(len(text) + 1)
        return text[:place] + rng.randbytes(rng.randint(1, 4)) + text[place:]
    return text
