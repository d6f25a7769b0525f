// The second TypeScript SDK; "auto" asks for `server/discover` first.

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { job, report } from "./dialogue.mjs";

const client = new Client(
  { name: "typescript-v2", version: "1" },
  { versionNegotiation: { mode: job.legacy ? "legacy" : "auto" } },
);
await client.connect(new StdioClientTransport({ command: job.command, args: job.args }));
const revision = client.getNegotiatedProtocolVersion();
await report(client, () => revision);
