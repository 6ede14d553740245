"""The report's pictures: which particles are shown, and how they are drawn."""
