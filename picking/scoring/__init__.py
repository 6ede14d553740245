"""Scoring: the metric, folds by run, and which candidates count as hits."""
