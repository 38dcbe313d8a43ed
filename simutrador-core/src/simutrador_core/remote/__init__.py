"""Bars from a data manager elsewhere, over HTTP (extra `remote`)."""
