"""The REST interface: one module a group of routes."""
