"""Run by Alembic: migrate over the connection that `Migrations` opened."""

from alembic import context


def main() -> None:
    """Run the migrations inside the caller's transaction."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"], version_table=attributes["version_table"]
    )
    context.run_migrations()


# Imported by name there is nothing to do.
if __name__ != "simutrador_data.services.nightly.migrations.env":
    main()
