"""Stage 1: a 3D network that proposes candidates, missing as few particles as it can."""
