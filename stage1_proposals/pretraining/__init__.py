"""Pretraining: the network that all other trainings start from."""
