"""How the learning rate rises and falls in the course of a training."""

import math

from picking.config import TrainingSettings

# The learning rate begins and ends at these shares of its highest value.
FIRST_LEARNING_RATE = 0.04
LAST_LEARNING_RATE = 0.001


def learning_rate_at(step: int, number: int, training: TrainingSettings) -> float:
    """Learning rate of step 0 to ``number`` - 1: a half cosine up, then a half cosine down."""
    warmup = int(training.warmup_fraction * number)
    if step < warmup:
        start, end, progress = FIRST_LEARNING_RATE, 1.0, step / warmup
    else:
        start, end, progress = 1.0, LAST_LEARNING_RATE, (step - warmup) / (number - warmup)
    share = end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
    return training.learning_rate * share
