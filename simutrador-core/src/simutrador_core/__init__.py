"""SimuTrador core."""
