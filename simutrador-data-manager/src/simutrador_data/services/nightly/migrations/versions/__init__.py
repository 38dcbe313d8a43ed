"""One file a migration, each up and down."""
