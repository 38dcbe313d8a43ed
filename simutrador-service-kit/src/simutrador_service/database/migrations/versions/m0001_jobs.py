"""Jobs.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

from simutrador_service.database.base import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table of jobs."""
    op.create_table(
        "job",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("queue", sa.String(50), nullable=False),
        sa.Column("owner", sa.String(100), nullable=True),
        sa.Column("key", sa.String(200), nullable=True),
        sa.Column("active_key", sa.String(301), nullable=True),
        sa.Column("request_key", sa.String(301), nullable=True),
        sa.Column("params", sa.JSON, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("worker", sa.String(100), nullable=True),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=True),
        sa.Column("deadline", UtcDateTime, nullable=True),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("dead", sa.Boolean, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=True),
        sa.Column("step", sa.String(200), nullable=False),
        sa.Column("checkpoint", sa.JSON, nullable=True),
        sa.Column("result", sa.JSON, nullable=True),
        sa.Column("error_code", sa.String(100), nullable=True),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("active_key", name="uq_job_active_key"),
        sa.UniqueConstraint("request_key", name="uq_job_request_key"),
    )
    op.create_index("ix_job_state_due_at", "job", ["state", "due_at"])
    op.create_index("ix_job_created_at", "job", ["created_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("job")
