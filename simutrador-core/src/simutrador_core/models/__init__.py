"""SimuTrador core: models."""
