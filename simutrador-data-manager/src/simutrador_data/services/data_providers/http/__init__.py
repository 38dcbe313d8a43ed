"""What every vendor on the network shares: limits, retries, guards and errors around the client."""

from simutrador_data.services.data_providers.http.client import (
    decoded,
    raise_for_vendor_error,
    vendor_client,
)
from simutrador_data.services.data_providers.http.errors import (
    BadAnswerError,
    NotOfferedError,
    UnknownVendorSymbolError,
    UnsafeAnswerError,
    VendorUnavailableError,
)
from simutrador_data.services.data_providers.http.transport import Timeouts
from simutrador_data.services.data_providers.http.waiting import Retries

__all__ = [
    "vendor_client",
    "Timeouts",
    "Retries",
    "raise_for_vendor_error",
    "decoded",
    "BadAnswerError",
    "NotOfferedError",
    "UnknownVendorSymbolError",
    "UnsafeAnswerError",
    "VendorUnavailableError",
]
