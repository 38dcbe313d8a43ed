"""How far a long task has come, shown or kept quiet."""
