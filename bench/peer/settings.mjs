// What the accepting and the working process agree on.
import { mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

export const QUEUE = "pictures";

const { DATA, REDIS } = process.env;
if (!DATA || !REDIS) throw new Error("DATA (a folder) and REDIS (a port) must be set");

export const redis = { host: "127.0.0.1", port: Number(REDIS) };

const folder = (name) => {
  const path = join(DATA, name);
  mkdirSync(path, { recursive: true });
  return path;
};
export const INPUTS = folder("inputs");
export const RESULTS = folder("results");

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(path) {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
