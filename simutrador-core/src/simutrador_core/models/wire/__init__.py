"""The WebSocket messages by topic; import them from `simutrador_core.models.websocket`."""
