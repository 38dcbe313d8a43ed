"""SimuTrador core: testing."""
