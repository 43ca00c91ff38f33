// Does the tasks: as many at once as there are cores, each on one thread of libvips.
import { copyFile, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "bullmq";
import sharp from "sharp";
import { INPUTS, QUEUE, RESULTS, redis } from "./settings.mjs";

sharp.concurrency(1);
sharp.cache(false);

async function work({ id, data: { step, output } }) {
  const input = join(INPUTS, id);
  const part = join(RESULTS, `${id}.part`);
  let type = "application/octet-stream";
  if (step.name === "echo") {
    await copyFile(input, part);
  } else {
    const { width, height, fit = "cover", kernel = "lanczos3" } = step.params;
    const format = output.type.slice("image/".length);
    type = output.type;
    await sharp(input).resize({ width, height, fit, kernel }).toFormat(format, output.params ?? {}).toFile(part);
  }
  await rename(part, join(RESULTS, id));
  return { type };
}

const worker = new Worker(QUEUE, work, {
  connection: { ...redis, maxRetriesPerRequest: null },
  concurrency: availableParallelism(),
});
worker.on("failed", (job, error) => console.error(`${job?.id}: ${error.message}`));
await worker.waitUntilReady();
console.log("ready");
