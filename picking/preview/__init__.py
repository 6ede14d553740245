"""Preview: slices of a tomogram with its picks."""
