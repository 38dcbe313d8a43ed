"""What is handed out of a store: ranges, pages, formats and levels of detail."""
