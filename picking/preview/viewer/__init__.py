"""Viewer: a page of one file with a run's slices and its picks above movable cut-offs."""
