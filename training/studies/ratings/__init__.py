"""What ratings by people and the model's similarities depend on, with figures."""
