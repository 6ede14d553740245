"""What every stage shares: configuration, coordinates, tomograms, picks, tables and the metric."""
