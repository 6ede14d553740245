"""Features: what a candidate looks like, in numbers that mean the same for every particle type."""
