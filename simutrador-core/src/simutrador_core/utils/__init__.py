"""SimuTrador core: utils."""
