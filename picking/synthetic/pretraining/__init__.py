"""Specimens of many kinds, from which the network that all trainings start from has learnt."""
