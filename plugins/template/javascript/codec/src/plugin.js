// What the server sees: which formats there are, and how a picture is read and written.
//
// The format itself is in ppm.js. Replace it with yours.

import { limits } from 'tintype:plugin/host@0.1.1';
import { guarded } from './guarded.js';
import * as ppm from './ppm.js';

const MEDIA_TYPE = 'image/x-portable-pixmap';

const NOTHING = { type: 'object', properties: {}, additionalProperties: false };

function describe() {
  return {
    name: 'plugin-name',
    version: '0.1.0',
    summary: 'Reads and writes PPM, with 8 bits a channel.',
    reads: [MEDIA_TYPE],
    writes: [{ mediaType: MEDIA_TYPE, paramsSchema: JSON.stringify(NOTHING) }],
  };
}

function probe(head) {
  return ppm.isPpm(head) ? MEDIA_TYPE : undefined;
}

// PPM is read at its full size or not at all: a hint that less would do changes nothing.
function decode(file, hint) {
  const header = ppm.header(file);
  const { width, height } = header;
  const { maxWidth, maxHeight, maxPixels } = limits();
  // Before there is memory for the pixels: a header can claim anything.
  if (width > maxWidth || height > maxHeight || BigInt(width) * BigInt(height) > maxPixels) {
    const permitted = `${maxWidth} by ${maxHeight}, and ${maxPixels} together, are permitted.`;
    throw { tag: 'too-large', val: `The picture has ${width} by ${height} pixels; ${permitted}` };
  }
  return { frames: [{ width, height, rgba: ppm.pixels(file, header) }] };
}

function encode(picture, target) {
  const [{ width, height, rgba }] = picture.frames;
  const file = ppm.file(width, height, rgba);
  // The sandbox would stop a result that is too large; this says it better.
  const limit = limits().maxOutputBytes;
  if (BigInt(file.length) > limit) {
    throw { tag: 'too-large', val: `The result has ${file.length} bytes; ${limit} are permitted.` };
  }
  return file;
}

// The name that the interface has in wit/plugin.wit.
export const codec = { describe, probe, decode: guarded(decode), encode: guarded(encode) };
