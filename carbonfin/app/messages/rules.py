"""What routes about webhooks need of the settings: the keys that secrets are derived from, and the networks allowed."""

import ipaddress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from carbonfin.app.messages.networks import AllowedNetworks
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.webhooks import LOOPBACK_NAMES, checked_address
from carbonfin.web.connections import Connection

_RULES = "carbonfin_webhook_rules"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRules:
    """Kept with the application."""

    keys: KeyRing
    networks: AllowedNetworks

    def refuse_unreachable(self, url: str) -> None:
        """Refuse an address of which it is plain already that nothing will be sent there; a name is looked up later.

        Raises:
            InvalidInput: It names an address that is not allowed.
        """
        host = urlsplit(checked_address(url)).hostname or ""
        try:
            address = ipaddress.ip_address(_LOOPBACK if host in LOOPBACK_NAMES else host)
        except ValueError:
            return
        if not self.networks.admits(address):
            raise InvalidInput(
                f"{host} is an address that deliveries may not go to",
                zh="该地址不被允许：推送只发往公网地址或运维人员已放行的网段",
                field="url",
                remedy="Ask the operator to add the network to CARBONFIN_WEBHOOK_NETWORKS.",
                remedy_zh="请联系运维人员在 CARBONFIN_WEBHOOK_NETWORKS 中放行该网段。",
            )


def keep_webhook_rules(state: Any, rules: WebhookRules) -> None:
    """Keep the rules with the application."""
    state[_RULES] = rules


def webhook_rules_of(connection: Connection) -> WebhookRules:
    """Give the application's rules."""
    return cast("WebhookRules", connection.app.state[_RULES])
