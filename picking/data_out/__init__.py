"""Data out: the final picks as files that other software reads."""
