// The first TypeScript SDK, which knows only the generation that begins with `initialize`.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { job, report } from "./dialogue.mjs";

const client = new Client({ name: "typescript-v1", version: "1" });
const transport = new StdioClientTransport({ command: job.command, args: job.args });
let revision;
transport.setProtocolVersion = (negotiated) => (revision = negotiated);
await client.connect(transport);
await report(client, () => revision);
