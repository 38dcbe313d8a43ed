"""What the commands in `scripts/` do: one module each, over one description of the workspace."""
