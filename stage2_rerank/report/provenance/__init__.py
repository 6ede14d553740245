"""Where a result comes from: data, settings, versions, and what it cost."""
