"""Where copick keeps what it has asked the CryoET Data Portal: not in a user's overlay.

copick asks the portal for all that a project lists when the project is opened, and keeps the
answers for a day. Jobs share them, so that the portal is asked once and not by every job.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PORTAL = "cryoet_data_portal"
CACHE_KEY = "portal_cache_dir"


def is_on_portal(content: Mapping[str, Any]) -> bool:
    """Whether a copick configuration is of a project on the CryoET Data Portal."""
    return content.get("config_type") == PORTAL


def with_portal_cache(content: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the portal's answers in copick's folder of the home, unless the user has chosen one.

    copick itself would take the overlay of the project first, which may be the user's: nothing is
    written there.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    chosen = content.get(CACHE_KEY) or str(Path(base) / "copick" / "portal")
    return {**content, CACHE_KEY: chosen}
