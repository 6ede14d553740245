"""Thresholds: how they are set, judged and applied."""
