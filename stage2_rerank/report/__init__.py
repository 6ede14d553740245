"""The cross-validation report: its figures, and the page that shows them."""
