"""Which picks are the truth: whose, and what becomes of the same particle picked twice."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from picking.config.picks import OUR_USER_ID
from picking.config.strict_model import StrictModel, text_of_number


def _names(value: object) -> object:
    """Check one name, or a list of them; a union of types would say each fault once for each."""
    if value is None:
        return None
    listed = value if isinstance(value, list | tuple) else [value]
    names = tuple(text_of_number(name) for name in listed)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"{value!r} is neither a name nor a list of names")
    return names if listed is value else names[0]


Names = Annotated[str | tuple[str, ...] | None, BeforeValidator(_names)]


class PortalTruthSettings(StrictModel):
    """Which annotations of a CryoET Data Portal project are the truth: those that fit all keys."""

    ground_truth_status: bool | None = Field(
        None, description="whether the annotation is marked as ground truth; null: either"
    )
    deposition_id: int | None = Field(
        None, description="deposition that the annotation came with; null: any"
    )
    authors: tuple[str, ...] = Field(
        (), description="authors that the annotation has to have, by their names on the portal"
    )

    @property
    def metadata(self) -> dict[str, bool | int]:
        """What the portal's record of an annotation has to say, by the portal's own keys."""
        return self.model_dump(include={"ground_truth_status", "deposition_id"}, exclude_none=True)


# Keys that came later are left out of settings files where they say nothing, so that results of
# before stay as they are.
class TruthSettings(StrictModel):
    """Which picks of a copick project are the truth."""

    user_id: Names = Field(
        None, description="copick user whose picks count, or a list of users; null: anyone's"
    )
    session_id: Names = Field(
        None, description="copick session that counts, or a list of sessions; null: any"
    )
    merge_within: float | None = Field(
        None,
        gt=0,
        le=1,
        exclude_if=lambda value: value is None,
        description="where several users or sessions have picks of a type in a run: take all of "
        "them, and those of different sets that are closer than this fraction of the type's radius "
        "as one particle, half-way between; null: refuse such a run",
    )
    portal: PortalTruthSettings = Field(
        PortalTruthSettings(), exclude_if=lambda value: value == PortalTruthSettings()
    )

    def is_by(self, user_id: str, session_id: str) -> bool:
        """Whether the picks of a user's session count.

        The workflow's own are nobody's truth, unless they are asked for.
        """
        users, sessions = _listed(self.user_id), _listed(self.session_id)
        is_user = user_id != OUR_USER_ID if users is None else user_id in users
        return is_user and (sessions is None or session_id in sessions)

    @property
    def in_words(self) -> str:
        """Whose picks count, for messages."""
        users, sessions = (
            ", ".join(names) if names else "(any)"
            for names in (_listed(self.user_id), _listed(self.session_id))
        )
        portal = self.portal.model_dump(exclude_defaults=True)
        annotations = f", of the portal's annotations with {portal}" if portal else ""
        return f"by user {users} in session {sessions}{annotations}"


def _listed(names: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
    return (names,) if isinstance(names, str) else names
