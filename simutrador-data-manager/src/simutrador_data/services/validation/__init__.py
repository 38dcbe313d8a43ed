"""Which bars an exchange's calendar expects, which are absent, and why. Pure rules."""
