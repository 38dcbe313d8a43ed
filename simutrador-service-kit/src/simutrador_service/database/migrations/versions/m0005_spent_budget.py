"""Budgets that processes share.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table of budgets."""
    op.create_table(
        "spent_budget",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("grants", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_spent_budget"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("spent_budget")
