"""Synthetic specimens: seeded tomograms of known content, written in Kaggle's layout.

Nothing heavy is imported here: the Snakefile asks `run_names` for names at parse time.
"""
