"""One simulation and one conversation as state machines: no clock, socket or await inside."""
