"""How each vendor is asked and answers, written from its documentation and recorded answers.

Independent of our own providers on purpose: what one of them misread, this does not repeat.
"""

from simutrador_data.testing.vendors.alpaca import ALPACA
from simutrador_data.testing.vendors.binance import BINANCE
from simutrador_data.testing.vendors.fmp import FMP
from simutrador_data.testing.vendors.polygon import POLYGON
from simutrador_data.testing.vendors.tiingo import TIINGO
from simutrador_data.testing.vendors.vendor import Vendor
from simutrador_data.testing.vendors.yahoo import YAHOO

VENDORS = (POLYGON, BINANCE, YAHOO, FMP, TIINGO, ALPACA)

__all__ = ["VENDORS", "Vendor"]
