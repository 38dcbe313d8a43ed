"""Whole tasks: import, resample, fill gaps; each reads like the story of the feature."""
