"""Prediction: sliding windows, score maps, and the candidates read off them."""
