"""The pages of those who look after a site: modules, users, departments, functions, policies, settings, sessions, trail."""

from core.web.admin import accounts, decisions, organisation, overview
from core.web.routing import Routes

routes = Routes([*overview.routes.found, *accounts.routes.found, *organisation.routes.found, *decisions.routes.found])
