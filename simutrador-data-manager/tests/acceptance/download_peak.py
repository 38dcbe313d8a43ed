"""Runs the command line in this process, then writes the most memory it held at once, in bytes.

    python download_peak.py PEAK_FILE MISTAKE ARGUMENT...

MISTAKE is `none`, or the name of a library that is imported first.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

place, mistake, *arguments = sys.argv[1:]
sys.argv[1:] = arguments
if mistake != "none":
    import_module(mistake)
try:
    from simutrador_data.cli.commands import main

    main()
finally:
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    Path(place).write_text(str(int(peak.split()[1]) * 1024))
