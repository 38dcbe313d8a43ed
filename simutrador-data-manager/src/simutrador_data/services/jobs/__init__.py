"""Long tasks of the data manager: their kinds, what they work with, who runs them."""
