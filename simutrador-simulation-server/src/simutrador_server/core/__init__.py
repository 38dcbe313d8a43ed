"""Settings, logging and errors of the venue."""
