"""What is known about assets: their class, exchange, steps and listing dates."""
