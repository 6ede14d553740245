"""The JSON files in which one stage leaves a pydantic model to a later one."""

from pathlib import Path
from typing import ClassVar, Self, TypeVar

from pydantic import BaseModel, ValidationError

from picking.config.strict_model import StrictModel
from picking.errors import InputError
from picking.files.tables import REMAKE
from picking.files.whole_files import write_whole_text

Model = TypeVar("Model", bound=BaseModel)


def write_model(path: Path, model: BaseModel) -> None:
    """Write a model as JSON, whole or not at all."""
    write_whole_text(path, model.model_dump_json(indent=2) + "\n")


def read_model(path: Path, model: type[Model], *, problem: str, if_missing: str) -> Model:
    """Read a model, or say what is wrong with its file.

    Parameters
    ----------
    path : Path
        JSON file.
    model : type of BaseModel
        What it holds.
    problem : str
        What is wrong with a file that holds something else: "holds no thresholds".
    if_missing : str
        How to fix that the file cannot be read: "tune the thresholds first".

    Returns
    -------
    Model

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    try:
        return model.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", if_missing) from None
    except ValidationError as error:
        raise InputError(path, f"{problem} ({error.errors()[0]['msg']})", REMAKE) from None
    except UnicodeDecodeError:
        raise InputError(path, f"{problem} (not text)", REMAKE) from None


class StoredModel(StrictModel):
    """A model with a JSON file of its own.

    ``PROBLEM`` is what is wrong with a file that holds something else, ``IF_MISSING`` how to fix
    that there is none; see :func:`read_model`.
    """

    PROBLEM: ClassVar[str]
    IF_MISSING: ClassVar[str]

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_model(path, self)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        return read_model(path, cls, problem=cls.PROBLEM, if_missing=cls.IF_MISSING)
