"""Training: crops, targets, the loss and the learning rate."""
