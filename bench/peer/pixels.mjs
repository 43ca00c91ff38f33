// Does with sharp what the bench asks for, one picture at a time: a line of JSON in, a line out.
//
//   {"input": "photo.jpg", "output": "small.jpg", "work": "jpeg"}  →  {"ms": 27.1, "bytes": 81234}
//
// The time is that of the work alone: the input is in memory before, the output is written after.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

// One thread, and nothing remembered from one picture to the next.
sharp.concurrency(1);
sharp.cache(false);

const works = {
  jpeg: (picture) => picture.resize(720, 588, { fit: "fill" }).jpeg({ quality: 80 }),
  png: (picture) => picture.resize(720, 540, { fit: "fill" }).png(),
  webp: (picture) => picture.resize(720, 588, { fit: "fill" }).webp({ quality: 80 }),
  gif: (picture) => picture.resize(720, 540, { fit: "fill" }).gif(),
  chain: (picture, { overlay }) =>
    picture
      .rotate()
      .resize(720, 588, { fit: "fill" })
      .sharpen({ sigma: 1 })
      .composite([{ input: overlay, gravity: "southeast" }])
      .jpeg({ quality: 80 }),
};

const files = new Map();
const read = (path) => {
  if (!files.has(path)) files.set(path, readFileSync(path));
  return files.get(path);
};

for await (const line of createInterface({ input: process.stdin })) {
  const { input, output, work, overlay } = JSON.parse(line);
  const bytes = read(input);
  const options = { overlay: overlay && read(overlay) };
  const began = process.hrtime.bigint();
  const result = await works[work](sharp(bytes), options).toBuffer();
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  if (output) writeFileSync(output, result);
  console.log(JSON.stringify({ ms, bytes: result.length, sharp: sharp.versions.sharp }));
}
