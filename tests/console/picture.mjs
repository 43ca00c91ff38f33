// Pictures, made here: a PNG of any size that is worth looking at, one that is damaged, and what a PNG says
// of itself.

import { deflateSync } from 'node:zlib';

/** A landscape at dusk: gradients, edges and a round thing, of 8 bits a channel. */
export function landscape(width, height) {
    const rows = Buffer.alloc((width * 3 + 1) * height);
    for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
            rows.set(dusk(x / width, y / height, width / height), y * (width * 3 + 1) + 1 + x * 3);
        }
    }
    return png(width, height, rows);
}

/** The same, whose data end in the middle. */
export function damaged() {
    return landscape(64, 48).subarray(0, 400);
}

/** Width and height, as the header has them. */
export function sizeOf(bytes) {
    const file = Buffer.from(bytes);
    if (file.toString('latin1', 1, 4) !== 'PNG') throw new Error('that is no PNG');
    return [file.readUInt32BE(16), file.readUInt32BE(20)];
}

/** From back to front: the first hill that covers the point, else the sun, else the sky. */
function dusk(x, y, ratio) {
    const hills = [[0.86, 0.05, 5, 4.1, [38, 26, 32]], [0.74, 0.07, 3, 1.3, [74, 44, 52]], [0.63, 0.06, 4, 2.6, [124, 70, 66]], [0.55, 0.05, 2, 0.4, [171, 104, 82]]];
    for (const [base, swing, waves, phase, colour] of hills) {
        const ridge = base + swing * Math.sin(x * waves + phase) + swing / 4 * Math.sin(x * waves * 5.3 + phase);
        if (y > ridge) return colour.map((part) => part * (1.15 - (y - ridge) * 0.9));
    }
    const glow = Math.hypot((x - 0.68) * ratio, y - 0.36);
    if (glow < 0.085) return [255, 236, 196];
    const light = Math.max(0, 1 - glow * 1.4);
    return [[46, 250], [58, 178], [98, 120]].map(([night, day], at) => Math.min(255, night + (day - night) * (y * 1.1 + light * 0.55) * [1, 0.85, 0.6][at]));
}

function png(width, height, rows) {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([8, 2, 0, 0, 0], 8);
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    framed.set(body, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
}

/** The checksum of PNG's chunks (its specification, annex D). */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}
