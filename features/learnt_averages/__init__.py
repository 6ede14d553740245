"""Averages of the picks of a particle type whose structure is not known."""
