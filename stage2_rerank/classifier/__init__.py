"""The re-ranking classifier: its parts, its calibration, and what it learnt."""
