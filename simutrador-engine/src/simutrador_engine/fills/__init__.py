"""When and at what price an order fills, and what that costs."""
