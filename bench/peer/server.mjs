// Accepts tasks and answers for them, on the wire that Tintype has: a form with `task` (JSON) and
// `image`, a 202 with a Location, there 200 until the task is over and a 303 to its result then.
import { randomUUID } from "node:crypto";
import { readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import multipart from "@fastify/multipart";
import { Queue } from "bullmq";
import Fastify from "fastify";
import { INPUTS, QUEUE, RESULTS, redis, syncFolder } from "./settings.mjs";

const UUID = /^[0-9a-f-]{36}$/;
const queue = new Queue(QUEUE, { connection: redis });
await queue.waitUntilReady();

const app = Fastify();
await app.register(multipart, { limits: { fileSize: 64 << 20, files: 1 } });

const refusal = (statusCode, message) => Object.assign(new Error(message), { statusCode });

/** What a client may ask for: as much checking as a careful team would do. */
function described(text) {
  let task;
  try {
    task = JSON.parse(text);
  } catch {
    throw refusal(400, "The task is no JSON.");
  }
  const step = task?.operations?.[0];
  if (task?.operations?.length !== 1 || !["echo", "resize"].includes(step.name)) {
    throw refusal(422, "One operation, echo or resize, is what this server does.");
  }
  const { width, height } = step.params ?? {};
  const side = (value) => Number.isInteger(value) && value > 0 && value <= 16384;
  if (step.name === "resize" && !(side(width) && side(height))) throw refusal(422, "Which size?");
  if (step.name === "resize" && !["image/jpeg", "image/png"].includes(task.output?.type)) {
    throw refusal(422, "Which format?");
  }
  return { step, output: task.output };
}

app.post("/images/tasks", async (request, reply) => {
  const id = randomUUID();
  let task;
  let image;
  for await (const part of request.parts()) {
    if (part.fieldname === "image" && part.type === "file") image = await part.toBuffer();
    else if (part.fieldname === "task" && part.type === "field") task = described(part.value);
  }
  if (!task || !image) throw refusal(400, "A form with `task` and `image` is needed.");
  const input = join(INPUTS, id);
  // As Tintype does it: the picture is on the disk before the task is, and that before the 202.
  await writeFile(input, image, { flag: "wx", flush: true });
  await syncFolder(INPUTS);
  try {
    await queue.add("task", task, { jobId: id });
  } catch (error) {
    await unlink(input);
    throw error;
  }
  const location = `/images/task/${id}`;
  return reply.code(202).header("location", location).send({ state: "pending" });
});

app.get("/images/task/:id", async ({ params: { id } }, reply) => {
  const state = UUID.test(id) ? await queue.getJobState(id) : "unknown";
  if (state === "unknown") throw refusal(404, "There is no such task.");
  if (state === "completed") return reply.code(303).header("location", `/images/${id}`).send();
  return { state: state === "failed" ? "FAILED" : "pending" };
});

app.get("/images/:id", async ({ params: { id } }, reply) => {
  if (!UUID.test(id)) throw refusal(404, "There is no such picture.");
  const job = await queue.getJob(id);
  if (!job?.returnvalue) throw refusal(404, "There is no such picture.");
  return reply.type(job.returnvalue.type).send(await readFile(join(RESULTS, id)));
});

await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`ready ${app.server.address().port}`);
