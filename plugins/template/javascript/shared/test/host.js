// Stands in for the server's side in tests: `tintype:plugin/host` means fake_host.js here.

import { register } from 'node:module';

const fake = JSON.stringify(new URL('./fake_host.js', import.meta.url).href);
const hook = `export const resolve = (name, context, next) =>
  name.startsWith('tintype:plugin/host@') ? { url: ${fake}, shortCircuit: true } : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
