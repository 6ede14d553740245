"""Model bundles: what a training leaves to whoever picks with it."""
