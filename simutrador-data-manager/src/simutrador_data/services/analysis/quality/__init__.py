"""Whether stored bars can be believed: each check states its rule, its figure and its limit."""
