"""Where bars come from: files, and vendors over the network."""
