"""One module a migration, up and down."""
