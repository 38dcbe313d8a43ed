"""Programs to start from; the text of these files is what the commands print."""
