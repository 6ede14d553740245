"""The device: where a network runs, and in which precision."""
