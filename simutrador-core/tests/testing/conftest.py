"""Contract suites are library modules, so pytest must be told to explain their assertions."""

import pytest

pytest.register_assert_rewrite(
    "simutrador_core.testing.comparing",
    "simutrador_core.testing.provider_contract",
    "simutrador_core.testing.source_contract",
    "simutrador_core.testing.store_contract",
)
