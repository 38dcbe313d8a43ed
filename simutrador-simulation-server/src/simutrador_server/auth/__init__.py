"""Who may use the venue: API keys, tokens and what each plan allows."""
