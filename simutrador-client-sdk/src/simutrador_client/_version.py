"""The installed version; imported when `simutrador_client.__version__` is first asked for."""

from importlib.metadata import version

__version__ = version("simutrador-client")
