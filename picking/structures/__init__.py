"""Structures: the densities of the particles that are looked for, as far as they are known."""
