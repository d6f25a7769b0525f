"""Real material that any machine with Python has: its sources, its language reference, a server's log."""

from __future__ import annotations

import http.server
import logging
import sysconfig
import threading
import urllib.error
import urllib.request
from pathlib import Path
from pydoc_data.topics import topics

REQUESTS = 3_000


def standard_library() -> Path:
    """The folder of Python's own sources."""
    return Path(sysconfig.get_path("stdlib"))


def language_reference(folder: Path) -> Path:
    """The chapters of the Python reference that `help()` shows, as one text file."""
    path = folder / "python-reference.txt"
    path.write_text("\n\n".join(topics[name] for name in sorted(topics)), encoding="utf-8")
    return path


def server_log(folder: Path) -> Path:
    """What a small web shop logs while 3,000 requests are made to it; one order meets a bug."""
    path = folder / "shop.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log = logging.Logger("shop")
    log.addHandler(handler)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _shop(log)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for number in range(REQUESTS):
            _visit(server.server_address[1], number)
        server.shutdown()
    handler.close()
    return path


def _visit(port: int, number: int) -> None:
    page = ("items", "cart", "checkout")[number % 3]
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}/{number}").close()
    except urllib.error.HTTPError as error:
        error.close()


def _total(order: int) -> float:
    prices = {"tea": 4.5, "cup": 9.0} if order != 1_712 else {"tea": 4.5, "cup": None}
    return sum(prices.values())  # type: ignore[arg-type]


def _shop(log: logging.Logger) -> type[http.server.BaseHTTPRequestHandler]:
    class Shop(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            order = int(self.path.rsplit("/", 1)[-1])
            try:
                total = _total(order) if "checkout" in self.path else 0.0
            except TypeError:
                log.exception("could not total the order %d", order)
                self.send_error(500)
                return
            log.info("%s served, total %.2f", self.path, total)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            log.debug(format, *args)

    return Shop
