"""`simutrador-data providers`: which vendors there are, what they can do, and what each lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.cli.session import settings_for
from simutrador_service.cli import (
    ConfigOption,
    DebugOption,
    EnvFileOption,
    ExitCode,
    JsonOption,
    reporting,
    table,
    write,
)

if TYPE_CHECKING:
    from pydantic import SecretStr

    from simutrador_data.core.settings import Settings
    from simutrador_data.services.data_providers.finding import BrokenPlugin
    from simutrador_data.services.data_providers.plugin import ProviderPlugin

providers = typer.Typer(help="List the vendors of bars, or check them.", no_args_is_help=True)

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Vendors. Default: all.", show_default=False),
]


@providers.command("list")
def list_providers(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the vendors that are installed and what they can do."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_data.services.data_providers.finding import installed_providers

        found = installed_providers()
        documents = [_capabilities(plugin) for plugin in found.plugins.values()]

        def show(console: Console) -> None:
            shown = table(
                "",
                ["provider", "timeframes", "prices", "rows", "requests/min", "key", "also"],
                right=["rows", "requests/min"],
            )
            for one in documents:
                rate = one["requests_per_minute"]
                shown.add_row(
                    one["name"],
                    " ".join(one["timeframes"]),
                    " ".join(one["adjustments"]),
                    f"{one['rows_per_request']:,}",
                    "-" if rate is None else f"{rate:g}",
                    "yes" if one["needs_key"] else "no",
                    " ".join(name for name in ("actions", "trades") if one[name]),
                )
            console.print(shown)
            for one in documents:
                console.print(f"{one['name']}: {one['source']}", markup=False, soft_wrap=True)
            _show_broken(console, found.broken)

        write(
            {"providers": documents, "broken": [_broken(one) for one in found.broken]},
            as_json=as_json,
            show=show,
        )


@providers.command("check")
def check_providers(
    names: NamesArgument = None,
    env_file: EnvFileOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say of each vendor whether it can be asked, else what it lacks and where to get it.

    No vendor is asked anything. Exit code 1 when one that is named cannot be asked, or an installed
    package is broken.
    """
    with reporting(as_json=as_json, debug=debug):
        from simutrador_data.services.data_providers.finding import (
            find_provider,
            installed_providers,
        )

        settings = settings_for(None, env_file=env_file, config_file=config)
        found = installed_providers()
        chosen = [find_provider(name) for name in names or []] or list(found.plugins.values())
        documents = [_readiness(plugin, settings) for plugin in chosen]
        broken = () if names else found.broken

        def show(console: Console) -> None:
            shown = table("", ["provider", "state", "asked at", "at most"])
            for one in documents:
                shown.add_row(one["name"], _state(one), one["base_url"] or "-", one["rate"] or "-")
            console.print(shown)
            for one in documents:
                if one["reason"] is not None:
                    console.print(one["reason"], markup=False, soft_wrap=True)
            _show_broken(console, broken)

        write(
            {"providers": documents, "broken": [_broken(one) for one in broken]},
            as_json=as_json,
            show=show,
        )
        if broken or (names and not all(one["ready"] for one in documents)):
            raise typer.Exit(ExitCode.PROBLEMS)


def _capabilities(plugin: ProviderPlugin) -> dict[str, Any]:
    able = plugin.capabilities
    return {
        "name": plugin.name,
        "timeframes": [str(one) for one in Timeframe if one in able.timeframes],
        "adjustments": [str(one) for one in Adjustment if one in able.adjustments],
        "rows_per_request": able.rows_per_request,
        "requests_per_minute": able.requests_per_minute,
        "history_days": None if able.history is None else able.history.days,
        "needs_key": able.needs_key,
        "actions": able.actions,
        "trades": able.trades,
        "source": able.source,
    }


def _readiness(plugin: ProviderPlugin, settings: Settings) -> dict[str, Any]:
    from simutrador_data.services.opening_providers import (
        base_url_of,
        keys_of,
        rule_of,
        section_of,
    )

    keys, rule = keys_of(plugin, settings), rule_of(plugin, settings)
    lacks = [name for name in plugin.key_names if name not in keys]
    base_url = base_url_of(plugin, settings)
    reason = _missing_keys(plugin, lacks) if lacks else _refusal(plugin, base_url, keys)
    return {
        "name": plugin.name,
        "ready": reason is None,
        "lacks": lacks,
        "key_url": plugin.key_url if lacks else None,
        "reason": reason,
        "base_url": base_url,
        "rate": section_of(plugin, settings).rate or (None if rule is None else str(rule)),
    }


def _missing_keys(plugin: ProviderPlugin, lacks: Sequence[str]) -> str:
    where = f"; a key is to be had at {plugin.key_url}" if plugin.key_url else ""
    return f"{plugin.name}: set {' and '.join(lacks)}{where}"


def _refusal(plugin: ProviderPlugin, base_url: str, keys: Mapping[str, SecretStr]) -> str | None:
    """Return why a provider cannot be opened, None if it can; opening asks nobody anything."""
    from simutrador_core.errors import SimutradorError
    from simutrador_data.services.data_providers.access import ProviderAccess

    async def opened() -> None:
        async with plugin.open(ProviderAccess(base_url, keys=keys)):
            pass

    try:
        asyncio.run(opened())
    except SimutradorError as e:
        text = str(e)
        return text if text.startswith(plugin.name) else f"{plugin.name}: {text}"
    return None


def _state(readiness: dict[str, Any]) -> str:
    if readiness["ready"]:
        return "[green]ready[/]"
    return "[yellow]needs a key[/]" if readiness["lacks"] else "[yellow]not set up[/]"


def _broken(one: BrokenPlugin) -> dict[str, str]:
    return {"name": one.name, "source": one.source, "reason": one.reason}


def _show_broken(console: Console, broken: Sequence[BrokenPlugin]) -> None:
    for one in broken:
        text = f"{one.name} ({one.source}) cannot be used: {one.reason}"
        console.print(text, style="red", markup=False, soft_wrap=True)
