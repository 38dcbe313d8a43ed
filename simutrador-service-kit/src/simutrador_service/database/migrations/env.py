"""Run by Alembic: migrate over the connection that `Migrations` opened."""

from alembic import context


def main() -> None:
    """Run the migrations inside the caller's transaction."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"], version_table=attributes["version_table"]
    )
    context.run_migrations()


if __name__ != "simutrador_service.database.migrations.env":  # imported by name: nothing to do
    main()
