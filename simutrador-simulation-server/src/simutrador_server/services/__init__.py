"""Reads the bars a simulation replays."""
