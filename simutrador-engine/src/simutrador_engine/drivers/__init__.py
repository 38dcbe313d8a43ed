"""Ways to drive the engine from a strategy."""
