"""Pages over http: only from public addresses, each connection checked, size, time and type capped."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Thread

import pytest

from tamis_tools.errors import SourceError, SourceTooLarge
from tamis_tools.sources import web
from tamis_tools.sources.gate import Gate, is_public, resolve
from tamis_tools.sources.web import Page, fetch

TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@dataclass
class Site:
    """What a server on this machine answers by path, and what it was asked."""

    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    endless: bool = False

    def page(self, path: str, body: bytes = b"hello", status: int = 200, **headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, TEXT | named, body)
        return f"http://example.test:{self.port}{path}"


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append({name.lower(): value for name, value in self.headers.items()})
            status, headers, body = site.pages[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
                while site.endless:
                    self.wfile.write(b"x")
            except OSError:
                return  # the client left, as it should

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            site.endless = False
            server.shutdown()
            thread.join()


@pytest.fixture
def site():
    with serving(Site()) as site:
        yield site


@dataclass
class Names:
    """A name service that records who asked, and says where the test server is."""

    known: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append(host)
        answers = self.known.get(host, [("127.0.0.1",)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def here(address: str) -> bool:
    """Lets connections to the test server through, besides public ones."""
    return address == "127.0.0.1" or is_public(address)


def open_gate(names: Names | None = None, **more) -> Gate:
    return Gate(allowed=here, resolve=names or Names(), ports=None, **more)


def get(url: str, names: Names | None = None, most_bytes: int = 1 << 20, seconds: float = 10) -> Page:
    return fetch(url, most_bytes, seconds, open_gate(names))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "224.0.1.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "not an address",
    ],
)
def test_an_address_that_is_not_public_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_let_through(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "0", "[::1]", "[::ffff:7f00:1]", "localhost"]
)
def test_no_way_to_write_this_machine_gets_through(host):
    with pytest.raises(SourceError, match="private, local or reserved address, which is never connected to"):
        fetch(f"http://{host}/", 1_000, 10, Gate(resolve=resolve))


def test_one_private_address_among_public_ones_is_enough_to_refuse(site):
    names = Names({"mixed.test": [("127.0.0.1", "10.0.0.1")]})
    with pytest.raises(SourceError, match=r"mixed.test stands for a private"):
        get(f"http://mixed.test:{site.port}/", names)
    assert site.asked == []


def test_a_page_is_fetched_by_name_without_cookies_credentials_or_proxies(site, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://10.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://10.0.0.1:1")
    page = get(site.page("/a.txt?q=1", "naïve".encode()) + "#part")
    assert page == Page("/a.txt", "naïve".encode(), "text/plain", "utf-8")
    (asked,) = site.asked
    assert asked["host"] == f"example.test:{site.port}"
    assert not {"cookie", "authorization"} & set(asked)


def test_the_checked_address_is_the_one_connected_to(site):
    names = Names({"rebind.test": [("127.0.0.1",), ("10.0.0.1",)]})
    site.page("/")
    assert get(f"http://rebind.test:{site.port}/", names).data == b"hello"
    assert names.asked == ["rebind.test"]


def test_every_redirect_is_checked_anew_and_no_cookie_is_carried(site):
    site.page("/end", b"the end")
    url = site.page("/start", status=302, Location="/end", Set_Cookie="a=1")
    assert get(url).data == b"the end"
    assert "cookie" not in site.asked[1]


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://inside.test/", "inside.test stands for a private"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 stands for a private"),
        ("file:///etc/passwd", "not http or https"),
        ("gopher://example.test/", "not http or https"),
        ("http://user:word@example.test/", "user name or password"),
        ("http://[", "not a URL that can be read"),
    ],
)
def test_a_redirect_inwards_is_refused(site, location, told):
    names = Names({"inside.test": [("10.0.0.1",)], "169.254.169.254": [("169.254.169.254",)]})
    with pytest.raises(SourceError, match=told):
        get(site.page("/", status=302, Location=location), names)


def test_redirects_in_circles_end(site):
    with pytest.raises(SourceError, match="redirects more than 5 times"):
        get(site.page("/", status=301, Location="/"))
    assert len(site.asked) == 6


@pytest.mark.parametrize("url", ["http://example.test:22/", "http://example.test:6379/", "https://example.test:25/"])
def test_only_ports_of_web_servers_are_connected_to(url):
    with pytest.raises(SourceError, match="only 80, 443, 8000, 8080, 8443 are connected to"):
        fetch(url, 1_000, 10, Gate(resolve=Names()))


@pytest.mark.parametrize(
    "url", ["http://", "http:///x", "http://a b/", "http://exa\\mple.test/", "http://x:99999/", "http://0177.0.0.1/"]
)
def test_a_url_that_is_none_is_told(url):
    with pytest.raises(SourceError, match=r"Check|not http"):
        get(url)


def test_a_page_over_the_cap_is_refused_while_it_comes(site):
    url = site.page("/", b"x" * 5_000)
    site.endless = True
    with pytest.raises(SourceTooLarge, match="Save the part that matters as a file"):
        get(url, most_bytes=4_000)


def test_a_compressed_page_is_unpacked_and_a_bomb_meets_the_cap(site):
    page = get(site.page("/", gzip.compress(b"words"), Content_Encoding="gzip"))
    assert page.data == b"words"
    with pytest.raises(SourceTooLarge):
        get(site.page("/bomb", gzip.compress(b"\0" * 10_000_000), Content_Encoding="gzip"))
    with pytest.raises(SourceError, match="damaged compression"):
        get(site.page("/bad", b"no gzip", Content_Encoding="gzip"))
    with pytest.raises(SourceError, match="packed as br"):
        get(site.page("/br", b"x", Content_Encoding="br"))


def test_a_page_that_trickles_is_given_up_at_the_deadline(site):
    url = site.page("/")
    site.endless = True
    ticks = count()
    with pytest.raises(SourceError, match=r"took longer than 30 s. Try again, or pass a file"):
        fetch(url, 1 << 30, 30, open_gate(clock=lambda: float(next(ticks))))


def test_a_name_that_nobody_knows_is_told():
    def unknown(host: str, port: int) -> tuple[str, ...]:
        raise OSError("no such name")

    with pytest.raises(SourceError, match=r"no address is known for example.test\). Check the address"):
        fetch("http://example.test/", 1_000, 10, Gate(resolve=unknown))


def test_a_name_server_that_does_not_answer_is_given_up():
    answered = Event()

    def never(host: str, port: int) -> tuple[str, ...]:
        answered.wait(60)
        return ()

    with pytest.raises(SourceError, match="took longer than 0 s"):
        fetch("http://example.test/", 1_000, 0.05, Gate(resolve=never))
    answered.set()


@pytest.mark.parametrize("media_type", ["image/png", "application/octet-stream", "application/zip", ""])
def test_what_is_no_text_is_refused_by_its_type(site, media_type):
    with pytest.raises(SourceError, match="not text or PDF"):
        get(site.page("/", **{"Content-Type": media_type}))


def test_an_answer_other_than_ok_is_told(site):
    with pytest.raises(SourceError, match=r"answered 404. Check the address"):
        get(site.page("/", status=404))


def test_a_server_that_is_not_there_is_told():
    with serving(Site()) as gone:
        url = gone.page("/")
    with pytest.raises(SourceError, match=r"could not be fetched .* Check the address"):
        get(url)


def test_a_page_becomes_a_document_of_its_media_type_and_charset(reader, site, monkeypatch):
    monkeypatch.setattr(web, "fetch", partial(fetch, gate=open_gate()))
    url = site.page("/page.php", "<p>мир".encode("koi8-r"), **{"Content-Type": "text/html; charset=koi8-r"})
    reader.allow_urls = True
    (document,) = reader(url).documents
    assert (document.address, document.text, document.format, document.encoding) == (url, "<p>мир", "html", "koi8-r")
    assert document.path is None


def test_urls_of_this_machine_are_refused_even_where_urls_are_allowed(reader, site):
    reader.allow_urls = True
    with pytest.raises(SourceError, match=r"private, local or reserved|only 80, 443"):
        reader(site.page("/").replace("example.test", "127.0.0.1"))
    assert site.asked == []
