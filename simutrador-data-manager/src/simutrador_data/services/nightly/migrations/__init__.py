"""Migrations of the tables of the nightly update."""
