"""Schedules, their occurrences, and who leads.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

from simutrador_service.database.base import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables of the scheduler."""
    op.create_table(
        "schedule_state",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("trigger", sa.String(300), nullable=False),
        sa.Column("done_until", UtcDateTime, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schedule_state"),
    )
    op.create_table(
        "schedule_occurrence",
        sa.Column("schedule", sa.String(100), nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("decided_at", UtcDateTime, nullable=False),
        sa.Column("job_id", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("schedule", "due_at", name="pk_schedule_occurrence"),
    )
    op.create_index("ix_schedule_occurrence_due_at", "schedule_occurrence", ["due_at"])
    op.create_table(
        "lease",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.String(100), nullable=True),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("lease")
    op.drop_table("schedule_occurrence")
    op.drop_table("schedule_state")
