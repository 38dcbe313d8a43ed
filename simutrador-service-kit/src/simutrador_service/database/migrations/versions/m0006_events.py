"""Events.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

from simutrador_service.database.base import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the outbox, how far its relays are, and what consumers have dealt with."""
    op.create_table(
        "event_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=True),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("event", sa.String(100), nullable=False),
        sa.Column("timestamp", UtcDateTime, nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_outbox"),
        sa.UniqueConstraint("event_id", name="uq_event_outbox_event_id"),
    )
    op.create_index("ix_event_outbox_position", "event_outbox", ["position"], unique=True)
    op.create_index("ix_event_outbox_recorded_at", "event_outbox", ["recorded_at"])
    relay = op.create_table(
        "event_relay",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.String(100), nullable=True),
        sa.Column("lease_until", UtcDateTime, nullable=True),
        sa.Column("origin", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_event_relay"),
    )
    op.bulk_insert(relay, [{"name": name, "position": 0} for name in ("order", "redis")])
    op.create_table(
        "event_handled",
        sa.Column("consumer", sa.String(100), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("handled_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name="pk_event_handled"),
    )
    op.create_index("ix_event_handled_handled_at", "event_handled", ["handled_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("event_handled")
    op.drop_table("event_relay")
    op.drop_table("event_outbox")
