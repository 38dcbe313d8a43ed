"""What the REST interface answers with."""
