"""What may name a run or a particle type: nearly all that can name a file, in any script."""

# Names become parts of file names, which may have 255 bytes.
LONGEST_NAME = 100
# Parts of a path, of a pattern (copick lists by patterns, Snakemake's have braces), or of a formula
# in a figure.
NEVER = frozenset('/\\<>:"|?*[]{}$')
# copick splits its file names at underscores and takes no spaces; "TYPE=VALUE" is an argument; and
# LightGBM takes no feature whose name holds a comma.
NOT_IN_A_TYPE = frozenset("_=, ")


def name_problem(name: str, excluded: frozenset[str] = frozenset()) -> str | None:
    """Say what is wrong with a name, and how to fix it; None if nothing is.

    Parameters
    ----------
    name : str
        Name of a run or of a particle type.
    excluded : frozenset of str
        Further characters that it must not hold.
    """
    if len(name.encode(errors="replace")) > LONGEST_NAME:
        return f"{name[:LONGEST_NAME]!r} is too long; use {LONGEST_NAME} letters at most"
    if not name or not (name[0].isalnum() and name.isprintable()) or name.endswith((" ", "-")):
        return (
            f"{name!r} cannot name files; begin with a letter or digit, end with neither a space "
            "nor '-', and leave out what cannot be printed"
        )
    bad = sorted((NEVER | excluded) & {*name})
    if bad:
        return f"{name!r} cannot name files; leave out {' '.join(bad).strip() or 'the spaces'}"
    return None
