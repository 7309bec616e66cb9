// The MCP conformance tool names `fs.globSync`, which Node.js has from version 22 on. It looks for files of
// its own with it, when it is asked about SDKs; nothing that judges an authorization server does.

import fs from 'node:fs';
import { register } from 'node:module';

const inModule = (text) => `data:text/javascript,${encodeURIComponent(text)}`;
const WITH_GLOB = inModule(`
  export * from 'node:fs';
  export { default } from 'node:fs';
  export const globSync = () => [];
`);
const HOOKS = inModule(`
  export const resolve = (name, context, next) =>
    name === 'fs' && context.parentURL?.includes('/@modelcontextprotocol/conformance/')
      ? { url: ${JSON.stringify(WITH_GLOB)}, shortCircuit: true }
      : next(name, context);
`);

if (!fs.globSync) register(HOOKS);
