"""Comparison of several results."""
