"""Stage 2: re-rank the candidates, calibrate, set thresholds, submit and report."""
