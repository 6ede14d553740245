"""The pages that this room writes: their templates stand beside this module."""

import jinja2

NOTHING = "–"
SECONDS_AN_HOUR, SECONDS_A_MINUTE = 3600, 60
# More runs are folded away behind those that are out of line: 500 of them stay readable.
MOST_OPEN_RUNS = 12


def page_environment() -> jinja2.Environment:
    """Make the environment that reads the templates; a name that is not given is an error."""
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("stage2_rerank", "page"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        three=three_decimals, signed=signed, interval=interval, duration=duration
    )
    environment.globals["most_open_runs"] = MOST_OPEN_RUNS
    return environment


def three_decimals(value: float | None) -> str:
    """Write with three decimals, or a dash for None."""
    return NOTHING if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """Write with a sign and three decimals, or a dash for None."""
    return NOTHING if value is None else f"{value:+.3f}"


def interval(ends: tuple[float, float]) -> str:
    """Write both ends with three decimals."""
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    if seconds >= SECONDS_AN_HOUR:
        return f"{seconds / SECONDS_AN_HOUR:.1f} h"
    if seconds >= SECONDS_A_MINUTE:
        return f"{seconds / SECONDS_A_MINUTE:.1f} min"
    return f"{seconds:.0f} s"
