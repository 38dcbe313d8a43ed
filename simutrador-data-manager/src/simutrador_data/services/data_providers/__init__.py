"""Where bars come from: files today, vendors over the network later."""
