"""Data in: what a configuration names is listed, checked and imported."""
