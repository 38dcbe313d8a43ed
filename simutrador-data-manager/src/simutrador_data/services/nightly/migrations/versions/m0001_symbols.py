"""Symbols of nightly updates.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

from simutrador_service.database import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table of symbols, one row for each symbol of a run."""
    op.create_table(
        "nightly_symbol",
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("symbol", sa.String(300), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("step", sa.String(200), nullable=False),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("candles", sa.BigInteger, nullable=False),
        sa.Column("first_session", sa.Date, nullable=True),
        sa.Column("last_session", sa.Date, nullable=True),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("result", sa.JSON, nullable=True),
        sa.PrimaryKeyConstraint("job_id", "symbol", name="pk_nightly_symbol"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("nightly_symbol")
