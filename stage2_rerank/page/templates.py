"""The pages that this room writes: their templates stand beside this module."""

import jinja2


def page_environment() -> jinja2.Environment:
    """Make the environment that reads the templates; a name that is not given is an error."""
    return jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("stage2_rerank", "page"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
