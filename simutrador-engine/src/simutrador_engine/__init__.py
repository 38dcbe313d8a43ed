"""Pure execution engine: orders, fills, brackets, costs, portfolio, performance."""
