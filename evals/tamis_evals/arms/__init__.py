"""The arms, by the name that the command line takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tamis_evals import server
from tamis_evals.arms.arm import Arm
from tamis_evals.arms.ours import Ours, OursInThree
from tamis_evals.arms.plain import PLAIN
from tamis_evals.arms.retrieval import Bm25, Encoder, Hybrid
from tamis_mcp_server.settings import local_engine
from tamis_tools.stages import STAGES

WITHOUT = "ours without "
ABLATIONS = tuple(WITHOUT + stage for stage in STAGES)
DEFAULT = (
    *(arm.name for arm in PLAIN),
    "bm25-sentences",
    "bm25-blocks",
    "encoder",
    "hybrid",
    "ours",
    "ours-3-calls",
)
ARMS = (*DEFAULT, *ABLATIONS)


class UnknownArm(Exception):
    """No arm has that name; the message lists those there are."""


@asynccontextmanager
async def opened(names: Sequence[str], folder: Path) -> AsyncGenerator[list[Arm]]:
    """The named arms, with the servers and the engine that they need; raises `UnknownArm`.

    A name that holds a slash (`owner/model`), or `encoder:ID`, is an encoder arm with that model of a hub.
    """
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(local_engine(server.environment(folder)))
        plain: dict[str, Arm] = {arm.name: arm for arm in PLAIN}
        sentences, encoder = Bm25(), Encoder(engine)
        plain |= {arm.name: arm for arm in (sentences, Bm25("bm25-blocks", "blocks"), encoder)}
        plain["hybrid"] = Hybrid(sentences, encoder)
        arms: list[Arm] = []
        ours = None
        for name in names:
            if name in plain:
                arms.append(plain[name])
            elif name in ("ours", "ours-3-calls"):
                ours = ours or await stack.enter_async_context(server.opened(folder))
                arms.append(Ours(ours) if name == "ours" else OursInThree(ours))
            elif name in ABLATIONS:
                stage = name.removeprefix(WITHOUT)
                arms.append(Ours(await stack.enter_async_context(server.opened(folder, [stage])), name))
            elif "/" in name:
                arms.append(Encoder(engine, name, name))
            else:
                raise UnknownArm(f"No arm {name!r}. There are: {', '.join(ARMS)}; or a hub model, as owner/model.")
        yield arms
