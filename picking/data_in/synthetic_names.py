"""Names of the synthetic runs, in the manner of the real ones (TS_5_4)."""

import random

from picking.config.synthetic import LAST_POSITION, MAXIMUM_RUNS, SyntheticSettings


def run_names(settings: SyntheticSettings, seed: int) -> tuple[list[str], list[str]]:
    """Return the names of the training runs and of the test runs.

    The names are unique, follow from the seed alone, and do not change their order with the
    machine: ``random.Random`` seeds itself from a string through SHA-512. The training names are
    drawn first, so another number of test runs leaves them as they are.
    """
    total = settings.train_runs + settings.test_runs
    generator = random.Random(f"tomosieve synthetic runs {seed}")
    numbers = list(range(MAXIMUM_RUNS))
    generator.shuffle(numbers)
    names = [
        f"TS_{1 + number // LAST_POSITION}_{1 + number % LAST_POSITION}"
        for number in numbers[:total]
    ]
    return names[: settings.train_runs], names[settings.train_runs :]
