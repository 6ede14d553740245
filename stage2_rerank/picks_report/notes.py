"""What a reader has to know before anything else: runs that were not picked as the others."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from picking.files.batch_record import last_records


def notes_on_runs(
    proposals: Sequence[Path], runs: Collection[str], training_runs: Collection[str]
) -> list[str]:
    """Say which runs had fewer passes, and which pass for training runs.

    Parameters
    ----------
    proposals : sequence of Path
        Records of the batches of proposals, by number.
    runs : collection of str
        Runs that the page is about.
    training_runs : collection of str
        Runs that the models learnt from.

    Raises
    ------
    InputError
        If a record is missing or damaged.
    """
    fewer = Counter(
        record.fewer_passes[run]
        for run, record in last_records(proposals).items()
        if run in runs and run in record.fewer_passes
    )
    notes = []
    if fewer:
        passes = ", ".join(
            f"{number} in {passes} pass{'es' if passes > 1 else ''}"
            for passes, number in sorted(fewer.items())
        )
        notes.append(
            f"To be done in time (hours), the networks looked at {fewer.total()} of {len(runs)} "
            f"runs in fewer passes than in training: {passes}. Expect a little worse picks there."
        )
    namesakes = sorted(set(runs) & set(training_runs))
    if namesakes:
        notes.append(
            f"{', '.join(namesakes)}: named as training runs, so only networks that never saw "
            "these looked at them. If they are other tomograms, rename them."
        )
    return notes
