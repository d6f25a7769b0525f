"""The commands that are the tools of the server: one row each; a parameter bears the name of a request's field."""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import partial
from typing import Any, get_args

import click

from tamis_engine.protocol import Kind
from tamis_mcp_server.cli.failures import Command
from tamis_mcp_server.cli.output import emit
from tamis_mcp_server.cli.session import Allowed, Wiring, perform
from tamis_tools import requests
from tamis_tools.requests import Detail, Unit

_SOURCES = (
    "SOURCES are files, lines of one (app.log:100-200), folders, globs ('src/**/*.py', quoted), an earlier result "
    "(@h_...), a URL with --allow-url, or - for what is piped in."
)


def _common() -> list[click.Parameter]:
    return [
        click.Option(
            ["--root", "roots"],
            multiple=True,
            metavar="DIR",
            help="A folder that may be read; repeat for more.  [default: the working directory and the folders of "
            "the sources]",
        ),
        click.Option(["--allow-url"], is_flag=True, help="Also read http and https addresses."),
        click.Option(["--allow-secrets"], is_flag=True, help="Also read .env files, keys and credentials."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
    ]


def _sources(*, required: bool = True) -> click.Argument:
    return click.Argument(["sources"], nargs=-1, required=required)


_QUERY = partial(click.Option, ["--query", "-q"], metavar="Q", help="What you need to know, as a sentence.")
_MODEL = partial(click.Option, ["--model"], metavar="NAME", help="The model to compute with.")
_UNIT = partial(click.Option, ["--unit"], type=click.Choice(get_args(Unit)), help="Passages, or whole files.")


def _command(name: str, request: type[Any], what: str, *params: click.Parameter) -> Command:
    """A command around an operation; defaults are those of the request."""
    known = {one.name: one.default for one in fields(request) if one.default is not MISSING}
    for param in params:
        if isinstance(param, click.Option) and not param.required:
            param.default = known[str(param.name)]
            param.show_default = not param.multiple and bool(param.default)
    takes_sources = any(param.name == "sources" for param in params)

    @click.pass_obj
    def run(wiring: Wiring, **options: Any) -> None:
        _run(wiring, name, request, options)

    help_text = f"{what}\n\n{_SOURCES}" if takes_sources else what
    return Command(name, params=[*params, *_common()], callback=run, help=help_text, short_help=what)


def _run(wiring: Wiring, name: str, request: type[Any], options: dict[str, Any]) -> None:
    as_json = options.pop("as_json")
    allowed = Allowed(options.pop("roots"), options.pop("allow_url"), options.pop("allow_secrets"))
    key = "ref" if "ref" in options else "sources"
    named = options.pop(key)

    def made(sources: tuple[str, ...]) -> Any:
        return request(**options, **{key: sources if key == "sources" else sources[0]})

    answer = perform(wiring, name, made, named if key == "sources" else (named,), allowed)
    emit(answer.data.model_dump_json() if as_json else answer.text)


def _compress() -> Command:
    return _command(
        "compress",
        requests.CompressRequest,
        "Print the passages that matter for a question, word for word, within a budget of tokens.",
        _sources(required=False),
        _QUERY(),
        click.Option(["--budget", "budget_tokens"], type=int, metavar="N", help="Tokens at most."),
        click.Option(["--detail"], type=click.Choice(get_args(Detail)), help="Text, signatures, or places alone."),
        click.Option(["--cursor"], metavar="C", help="Go on where an earlier answer stopped."),
    )


def _rerank() -> Command:
    return _command(
        "rerank",
        requests.RerankRequest,
        "Rank passages or files by how well they answer a question.",
        _sources(),
        _QUERY(required=True),
        click.Option(["--top-k"], type=int, metavar="N", help="How many to print."),
        _UNIT(),
    )


def _filter() -> Command:
    return _command(
        "filter",
        requests.FilterRequest,
        "Say which sources stay, which go, and why.",
        _sources(),
        _QUERY(),
        click.Option(["--label", "labels"], multiple=True, metavar="L", help="Sort by these instead."),
        click.Option(["--threshold"], type=float, metavar="P", help="Relevance that is enough, 0 to 1."),
        click.Option(["--keep"], type=int, metavar="N", help="Keep the best N instead."),
        click.Option(["--dedupe/--no-dedupe"], help="Whether near-duplicates go."),
    )


def _extract() -> Command:
    return _command(
        "extract",
        requests.ExtractRequest,
        "Find values, each with its exact quote and line.",
        _sources(),
        click.Option(["--field", "fields"], multiple=True, metavar="F", help="A name, or 'name: what to find'."),
        click.Option(["--label", "labels"], multiple=True, metavar="L", help="A label to look for."),
        click.Option(["--entity", "entities"], multiple=True, metavar="E", help="A kind: date, email, url, ..."),
    )


def _score() -> Command:
    return _command(
        "score",
        requests.ScoreRequest,
        "Score each source's relevance to a question, 0 to 1.",
        _sources(),
        _QUERY(required=True),
        _MODEL(),
    )


def _encode() -> Command:
    return _command(
        "encode",
        requests.EncodeRequest,
        "Write the sources' vectors to a file and say where it is.",
        _sources(),
        _MODEL(),
        click.Option(["--kind"], type=click.Choice(get_args(Kind)), help="The kind of vectors."),
        _UNIT(),
        click.Option(["--similarity"], is_flag=True, help="Also print how alike they are."),
    )


def _expand() -> Command:
    return _command(
        "expand",
        requests.ExpandRequest,
        "Print any part of an original: REF is a handle (@h_...), @h_.../path, or path:120-260.",
        click.Argument(["ref"]),
        click.Option(["--question"], metavar="Q", help="Answer this from inside it."),
        click.Option(["--from-line"], type=int, metavar="N", help="Begin here."),
        click.Option(["--max-tokens"], type=int, metavar="N", help="Tokens at most."),
    )


def commands() -> list[click.Command]:
    """All of them."""
    return [_compress(), _rerank(), _filter(), _extract(), _score(), _encode(), _expand()]
