"""The network: its encoders, its parts, and its weights on disk."""
