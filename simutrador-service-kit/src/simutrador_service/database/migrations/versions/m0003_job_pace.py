"""The pace of jobs, and their lists by owner.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

from simutrador_service.database.base import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Say since when a run's pace is taken; find the jobs of one owner."""
    op.add_column("job", sa.Column("pace_at", UtcDateTime, nullable=True))
    op.add_column("job", sa.Column("pace_done", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_job_owner_created_at", "job", ["owner", "created_at"])


def downgrade() -> None:
    """Take both back."""
    op.drop_index("ix_job_owner_created_at", "job")
    op.drop_column("job", "pace_done")
    op.drop_column("job", "pace_at")
