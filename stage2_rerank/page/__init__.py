"""Templates of the pages that this room writes."""
