"""SimuTrador core: interfaces."""
