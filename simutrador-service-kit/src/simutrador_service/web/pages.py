"""The pages of a service: its templates over the kit's layout, all values escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from simutrador_service.web.assets import Assets, plotly_script


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of a navigation."""

    label: str
    url: str


class Pages:
    """Renders templates of a package's folder `templates`; `kit/layout.html` is what they extend.

    An unknown name in a template is an error, not a blank.
    """

    def __init__(
        self,
        title: str,
        *,
        version: str = "",
        package: str | None = None,
        sections: Sequence[Link] = (),
        services: Mapping[str, str] | None = None,
        note: str = "",
        filters: Mapping[str, Callable[..., Any]] | None = None,
        names: Mapping[str, object] | None = None,
    ) -> None:
        """Prepare the templates.

        Args:
            title: Name of the service; its last word stands out: `SimuTrador Data`.
            version: Shown at the foot.
            package: Holds `templates` and `static`, `simutrador_data.web`; None has the kit's.
            sections: The service's own pages.
            services: Other services by name, with their addresses, as `WebSection.services` says.
            note: One line at the foot.
            filters: Further filters for templates.
            names: Further names that every template knows.
        """
        self.assets: Final = Assets(package)
        own = [PackageLoader(package)] if package else []
        made = Environment(
            loader=ChoiceLoader([*own, PackageLoader("simutrador_service.web")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        start, _, last = title.rpartition(" ")
        shown: dict[str, Any] = {
            "static": self.assets.url,
            "plotly_script": plotly_script,
            "query_string": urlencode,
            "site_title": title,
            "site_brand": (start, last),
            "site_version": version,
            "site_note": note,
            "site_icon": "icon.svg" if "icon.svg" in self.assets.files else "kit/icon.svg",
            "site_sections": tuple(sections),
            "site_services": tuple(Link(*pair) for pair in (services or {}).items()),
            "here": "",
        }
        environment: Any = made  # jinja2 leaves filters and globals untyped
        environment.filters.update(filters or {})
        environment.globals.update({**shown, **(names or {})})
        self._environment = made

    def render(self, template: str, **values: object) -> str:
        """Return a page or a part of one; `here` is the address of the section it belongs to."""
        return self._environment.get_template(template).render(**values)

    def page(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """Return a page; a browser asks again each time, as what it shows may have changed."""
        headers = {"Cache-Control": "no-cache", "Vary": "Accept"}
        return HTMLResponse(self.render(template, **values), status_code=status, headers=headers)


__all__ = ["Link", "Pages"]
