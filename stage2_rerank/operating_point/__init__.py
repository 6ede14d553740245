"""Another cut-off for a finished result, and what to expect of it."""
