"""A process that sends what is due and is killed at a chosen moment: `python -m tests.app.messages.dying URL MOMENT`."""

import os
import signal
import sys
from collections.abc import Mapping

from carbonfin.app.messages.networks import networks_from
from carbonfin.app.messages.transport import HttpTransport, http_transport
from carbonfin.app.messages.worker import deliver_due
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.dates import SystemClock
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.messages import ReceiverAnswer

KEYS = KeyRing(secrets=(b"k" * 32,))
BEFORE_SENDING = "before-sending"
AFTER_ANSWER = "after-answer"
LOOPBACK = networks_from("127.0.0.0/8", name="-")


class Dying:
    """Carries a delivery, and dies before or after."""

    def __init__(self, inner: HttpTransport, moment: str) -> None:
        self._inner = inner
        self._moment = moment

    def post(self, url: str, headers: Mapping[str, str], content: bytes) -> ReceiverAnswer:
        """Send, unless dead."""
        if self._moment == BEFORE_SENDING:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = self._inner.post(url, headers, content)
        assert answer.status == 200
        os.kill(os.getpid(), signal.SIGKILL)
        return answer


def main(database_url: str, moment: str) -> None:
    """Send what is due, and die."""
    with http_transport(LOOPBACK) as transport:
        deliver_due(
            Sessions(open_engine(database_url)), SystemClock(), transport=Dying(transport, moment), keys=KEYS
        )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
