"""Buy 10 AAPL after a fall, sell them after a rise. Needs `pip install websockets` and a key."""
# ruff: noqa: S310 - the address is the reader's own

import json
import os
from urllib.request import Request, urlopen

from websockets.sync.client import connect

AUTH, VENUE = os.environ["AUTH__SERVER_URL"], os.environ["SERVER__WEBSOCKET__URL"]
key = {"X-API-Key": os.environ["SIMUTRADOR_API_KEY"]}
token = json.load(urlopen(Request(f"{AUTH}/auth/token", data=b"{}", headers=key)))["access_token"]
ask = {"symbols": ["AAPL"], "start_date": "2012-01-01", "end_date": "2013-01-01", "warmup_bars": 0}
ask |= {"timeframe": "daily", "initial_capital": 100_000, "flow_control": True}
side, last = "buy", None
with connect(f"{VENUE}/ws/simulate?token={token}") as venue:
    venue.send(json.dumps({"type": "start_simulation", "data": ask}))
    for message in map(json.loads, venue):
        kind, data = message["type"], message["data"]
        if kind == "tick":
            n, close = data["sequence_id"], float(data["candles"]["AAPL"]["close"])
            if last and (close < last) == (side == "buy"):
                order = {"order_id": f"o{n}", "symbol": "AAPL", "side": side, "type": "market"}
                batch = {"batch_id": f"b{n}", "orders": [order | {"quantity": 10}]}
                venue.send(json.dumps({"type": "order_batch", "data": batch}))
                side = "sell" if side == "buy" else "buy"
            last, ack = close, {"sequence_id": n, "processing_status": "ready"}
            venue.send(json.dumps({"type": "tick_ack", "data": ack}))
        elif kind in {"execution_report", "simulation_end", "session_error", "error"}:
            print(kind, {name: data[name] for name in list(data)[2:8]})  # noqa: T201
