"""Writing a model bundle; ``picking.bundle`` reads it."""
