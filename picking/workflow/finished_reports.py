"""The reports that are there to be compared."""

from pathlib import Path

# What taking a bundle leaves in a result.
BUNDLE_LOG = "logs/take_bundle.txt"


def finished_reports(results: Path) -> list[str]:
    """List the reports of all results in a folder, by absolute path."""
    return sorted(
        str(report)
        for report in results.absolute().glob("*/cv_report.json")
        # A result that was picked with a bundle holds the report of the bundle's training.
        if not (report.parent / BUNDLE_LOG).exists()
    )
