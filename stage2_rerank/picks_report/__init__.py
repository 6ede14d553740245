"""The page of a set of picks: what was picked, and whether the classifiers know such tomograms."""
