"""Files between the stages: tomograms, picks, tables, maps, and how they are written."""
