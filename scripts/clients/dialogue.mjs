// What every client is asked to do, and the report that scripts/conformance.py judges.

export const job = JSON.parse(process.argv[2]);

export async function report(client, revision) {
  const { tools } = await client.listTools();
  const call = async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    if (result.isError) throw new Error(result.content[0].text);
    return result.content[0].text;
  };
  const compressed = await call("compress", job.compress);
  const handle = compressed.match(/@h_\w+/)[0];
  const expanded = await call("expand", { ref: `${handle}/${job.rest}` });
  await client.close();
  console.log(JSON.stringify({ revision: revision(), tools: tools.map((tool) => tool.name), compressed, expanded }));
}
