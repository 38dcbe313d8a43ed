"""SimuTrador core: sessions."""
