"""`simutrador-data actions list` and `diff`: what is recorded, and what a later version changed."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import ActionsAsOfOption, DataOption
from simutrador_data.cli.parsing import parse_day, parse_word
from simutrador_data.cli.session import open_session
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from pathlib import Path

    from simutrador_data.services.corporate_actions.listing import Listed
    from simutrador_data.services.corporate_actions.local_actions import LocalActions
    from simutrador_data.services.corporate_actions.records import RecordedAction

_COLUMNS = ["symbol", "kind", "in effect", "what", "known on", "source", "commit"]


def list_actions(
    symbol: Annotated[
        str | None,
        typer.Argument(metavar="[SYMBOL]", help="Whose company. Default: which symbols have any."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="split, dividend, rename or delisting; may be repeated."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="DATE", help="In effect from this date on.")
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="DATE", help="In effect before this date.")
    ] = None,
    actions_as_of: ActionsAsOfOption = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="The company that has the symbol then. Default: the latest."
        ),
    ] = None,
    as_of: Annotated[
        int | None, typer.Option(min=0, metavar="COMMIT", help="Read that version.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the corporate actions of a company under all of its names, with who said so."""
    with reporting(as_json=as_json, debug=debug), opened(data) as store:
        from simutrador_core.interfaces.data_provider import ActionKind
        from simutrador_core.utils.validation import parse_symbol
        from simutrador_data.services.corporate_actions import listing
        from simutrador_data.services.corporate_actions.documents import listed_document

        if symbol is None:
            names = store.symbols()
            write({"symbols": names}, as_json=as_json, show=lambda console: _names(console, names))
            return
        wish = listing.Wish(
            tuple(parse_word("kind", one, ActionKind) for one in kind or ()),
            parse_day("start", start),
            parse_day("end", end),
            parse_day("actions_as_of", actions_as_of),
            parse_day("on", on),
            as_of,
        )
        listed = listing.list_actions(store, parse_symbol(symbol), wish)
        write(listed_document(listed), as_json=as_json, show=lambda console: _show(console, listed))


def diff(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Whose actions.")],
    from_commit: Annotated[
        int, typer.Option("--from", metavar="COMMIT", help="Earlier version; see actions list.")
    ],
    to_commit: Annotated[
        int | None,
        typer.Option("--to", metavar="COMMIT", help="Later version. Default: the newest."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show which actions of a symbol a later version added, took back and restated."""
    with reporting(as_json=as_json, debug=debug), opened(data) as store:
        from simutrador_core.utils.validation import parse_symbol
        from simutrador_data.services.corporate_actions.documents import recorded_document

        name = parse_symbol(symbol)
        found = store.diff([name], from_commit=from_commit, to_commit=to_commit)

        def show(console: Console) -> None:
            shown = table("", ["", *_COLUMNS], right=["commit"])
            for one in found.removed:
                shown.add_row("-", *_row(one))
            for one in found.added:
                shown.add_row("+", *_row(one))
            console.print(shown)
            console.print(f"{len(found.added)} added, {len(found.removed)} taken back")

        write(
            {
                "symbol": name,
                "from_commit": from_commit,
                "to_commit": to_commit,
                "added": [recorded_document(one) for one in found.added],
                "removed": [recorded_document(one) for one in found.removed],
            },
            as_json=as_json,
            show=show,
        )


@contextmanager
def opened(data: Path | None) -> Generator[LocalActions]:
    """Lend the actions of the store, for reading."""
    from simutrador_data.services.corporate_actions.local_actions import LocalActions

    with open_session(data) as session, closing(LocalActions(session.root)) as store:
        yield store


def _names(console: Console, names: Iterable[str]) -> None:
    text = ", ".join(names)
    console.print(escape(text or "no corporate actions are recorded"), soft_wrap=True)


def _show(console: Console, listed: Listed) -> None:
    shown = table("", _COLUMNS, right=["commit"])
    for one in listed.actions:
        shown.add_row(*_row(one))
    console.print(shown)
    names = [
        f"{tenure.symbol} ({tenure.start or 'beginning'} to {tenure.end or 'now'})"
        for tenure in listed.company
        if tenure.start or tenure.end
    ]
    if names:
        console.print(escape(f"one company: {', '.join(names)}"), soft_wrap=True)
    for kind in dict.fromkeys(answer.kind for answer in listed.settled):
        own = [answer for answer in listed.settled if answer.kind is kind]
        asked = ", ".join(f"{a.symbol} {a.start} to {a.end} ({a.source})" for a in own[:3])
        more = f" and {len(own) - 3} more" if len(own) > 3 else ""
        console.print(escape(f"{kind}s asked for: {asked}{more}"), soft_wrap=True)


def _row(recorded: RecordedAction) -> tuple[str, ...]:
    from simutrador_data.services.corporate_actions.documents import number_text

    action = recorded.action
    what = action.successor or number_text(action.amount) or number_text(action.ratio) or ""
    if action.ratio is not None:
        what = f"{what} for 1"
    return (
        escape(action.symbol),
        str(action.kind),
        f"{action.effective}",
        escape(what),
        "" if action.known_on is None else f"{action.known_on}",
        escape(recorded.source),
        f"{recorded.commit}",
    )
