"""Real bars that ship with the package, and the tour over them."""
