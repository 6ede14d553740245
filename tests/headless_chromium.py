"""Pages in a real browser, without a driver: what Chromium makes of an address."""

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)

needs_chromium = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


def browse(address: str, profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Open an address; the console's messages are on standard error."""
    return subprocess.run(
        [
            str(BROWSER),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--v=0",
            *arguments,
            address,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
