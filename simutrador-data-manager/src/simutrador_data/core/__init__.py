"""Settings and logging of the data manager."""
