"""The thin shells: HTTP and WebSocket."""
