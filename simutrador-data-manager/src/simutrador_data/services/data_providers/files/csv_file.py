"""CSV and its kin: text tables of bars, plain or packed, read in blocks.

Layout, columns, zone and label are detected from the first block and shown; everything can be
overruled by `ImportOptions`. Rows outside regular hours are kept: whether they belong there is for
validation to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simutrador_core.errors import ImportFileError
from simutrador_core.models.enums import Adjustment
from simutrador_data.services.data_providers.files.blocks import (
    Block,
    BlockParser,
    read_text,
)
from simutrador_data.services.data_providers.files.calendars import Calendars
from simutrador_data.services.data_providers.files.columns import Role
from simutrador_data.services.data_providers.files.dialect import (
    HEAD_BYTES,
    Layout,
    find_layout,
)
from simutrador_data.services.data_providers.files.model import (
    BLOCK_BYTES,
    Description,
    Facts,
    FilePage,
    ImportOptions,
)
from simutrador_data.services.data_providers.files.names import guess_symbol, guess_timeframe
from simutrador_data.services.data_providers.files.pages import to_page
from simutrador_data.services.data_providers.files.planning import Decided, Hints, Planner
from simutrador_data.services.data_providers.files.source import Source
from simutrador_data.services.data_providers.files.text_rows import (
    TextFormat,
    find_date_order,
    time_texts,
    to_raw,
)

_UTC_HEADERS: Final = ("gmt", "utc")


class TextBars:
    """A text table of bars; satisfies `BarFile`."""

    def __init__(
        self,
        source: Source,
        how: TextFormat,
        decided: Decided,
        calendars: Calendars,
        *,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        """Read `source` as decided; see `open_csv` and `lean_zip.open_lean`."""
        self._source = source
        self._how = how
        self._decided = decided
        self._calendars = calendars
        self._block_bytes = block_bytes

    @property
    def description(self) -> Description:
        """What the file was taken for."""
        return self._decided.description

    def pages(self) -> Iterator[FilePage]:
        """Yield a page for every block of the file, in file order.

        Raises:
            ImportFileError: the file is damaged further on.
        """
        blocks = read_blocks(self._source, self._how.layout, block_bytes=self._block_bytes)
        for number, block in enumerate(blocks, start=1):
            yield to_page(
                to_raw(block, self._how),
                self._decided,
                self._calendars,
                number=number,
                misfits=block.misfits,
                position=block.position,
            )


def open_csv(
    source: Source,
    options: ImportOptions,
    calendars: Calendars,
    *,
    now_us: int | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> TextBars:
    """Return a text file as bars, its layout detected from its first block.

    Raises:
        ImportFileError: it cannot be read as bars; the text says why and what to do.
    """
    path = str(source.path)
    facts = Facts()
    layout = find_layout(read_head(source), options, facts, path=path)
    block = first_block(source, layout, block_bytes=block_bytes)
    order = options.date_order, "given"
    detected = find_date_order(time_texts(block, layout))
    if options.date_order is None and detected is not None:
        order = detected
    if detected is not None:
        facts.note("date order", *order)
    scale = options.price_scale or 1.0
    if options.price_scale is not None:
        facts.note("price scale", f"{scale:g}", "given")
    how = TextFormat(layout, order[0] or TextFormat(layout).order, scale)
    packed = "" if source.packing == "plain" else f" in {source.packing}"
    planner = Planner(
        path,
        f"csv{packed}",
        options,
        _hints(source, layout),
        calendars,
        facts,
        _cautions(layout) if options.adjustment is None else [],
    )
    decided = planner.decide(to_raw(block, how), now_us=now_us)
    return TextBars(source, how, decided, calendars, block_bytes=block_bytes)


def read_head(source: Source) -> bytes:
    """Return the first bytes of a source, as many as the layout is looked for in."""
    with source.open() as stream:
        return stream.read(HEAD_BYTES)


def first_block(source: Source, layout: Layout, *, block_bytes: int = BLOCK_BYTES) -> Block:
    """Return the first block of a file that has rows.

    Raises:
        ImportFileError: the file has no row.
    """
    for block in read_blocks(source, layout, block_bytes=block_bytes):
        if len(block.lines):
            return block
    raise ImportFileError("has a header but no row of bars; export it again", path=str(source.path))


def read_blocks(source: Source, layout: Layout, *, block_bytes: int) -> Iterator[Block]:
    """Yield the blocks of a file, one ahead of which is read so that the last is known."""
    path = str(source.path)
    parser = BlockParser(layout.width, layout.delimiter, layout.skip, path)
    with source.open() as stream:
        held: bytes | None = None
        for text in read_text(stream, path=path, size=block_bytes):
            if held is not None:
                yield parser.parse(held, position=stream.position)
            held = text
        if held is not None:
            yield parser.parse(held, position=1.0, is_last=True)


def _hints(source: Source, layout: Layout) -> Hints:
    symbol = guess_symbol(source.name) or guess_symbol(source.path.name)
    timeframe = guess_timeframe(source.name)
    at = layout.roles[Role.TIME]
    name = layout.header[at].lower() if layout.header else ""
    in_utc = any(word in name for word in _UTC_HEADERS)
    whole = Role.CLOSE not in layout.roles
    return Hints(
        symbol=(symbol, "name") if symbol else None,
        timeframe=(timeframe, "name") if timeframe else None,
        zone=("UTC", "header") if in_utc else None,
        adjustment=(Adjustment.TOTAL, "header") if whole else None,
    )


def _cautions(layout: Layout) -> list[str]:
    """Return what the user should know about prices that a vendor may have adjusted."""
    names = {name.lower() for name in layout.header}
    if not {"stock splits", "adj close"} <= names:
        return []
    caution = (
        "this vendor's open, high, low and close are usually adjusted for splits already; "
        "give adjustment=split to store them as such"
    )
    return [caution]
