"""The JSON API of a site under `/api/v1`, derived from what the registry holds."""

from __future__ import annotations

import json
from functools import cached_property

from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from core.api import house, openapi, records
from core.api.calls import Call, Routes, Runner
from core.schemas import Schemas
from core.site import Site


class Identity(BaseConverter):
    """An id in an address: a decimal number that is not 0."""

    regex = "[1-9][0-9]{0,18}"


class Api:
    """The operations of one site and their OpenAPI document."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.schemas = Schemas(site.registry)
        self.runner = Runner(site, self.schemas)
        self.own = Routes()
        self.own.get("/openapi.json", may="anyone")(self.openapi)
        self.modules = [house.routes, records.routes, self.own]
        self.more = dict(openapi.HOUSE)
        self._add_further()

    def _add_further(self) -> None:
        for name in ("sheets", "reports", "admin"):
            try:
                module = __import__(f"core.api.{name}", fromlist=["routes"])
            except ModuleNotFoundError as error:
                if error.name != f"core.api.{name}":
                    raise
                continue
            self.modules.append(module.routes)
            self.more |= getattr(module, "OPENAPI", {})

    @cached_property
    def document(self) -> bytes:
        """The OpenAPI document, made once."""
        routes = [route for module in self.modules for route in module.found]
        return json.dumps(openapi.document(self.site.registry, self.schemas, routes, self.more), ensure_ascii=False).encode()

    def openapi(self, _call: Call) -> Response:
        """The OpenAPI document of this site."""
        return Response(self.document, mimetype="application/json")


def create_api(site: Site) -> tuple[Blueprint, Runner]:
    """The blueprint of the API, and what runs it."""
    api = Api(site)
    blueprint = Blueprint("api", __name__)
    blueprint.record(_know_identities)
    for module in api.modules:
        api.runner.mount(blueprint, module)
    return blueprint, api.runner


def _know_identities(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["id"] = Identity


__all__ = ["Api", "create_api"]
