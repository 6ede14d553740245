"""The error that is meant for a person."""


class InputError(Exception):
    """Something the user gave is wrong; the message says what, where, and how to fix it.

    Parameters
    ----------
    where : object
        The file, configuration key or run at fault.
    what : str
        What is wrong with it.
    fix : str
        What the user can do about it.
    """

    def __init__(self, where: object, what: str, fix: str) -> None:
        super().__init__(f"{where}: {what}; {fix}")
