// Portable pixmaps, as https://netpbm.sourceforge.net/doc/ppm.html has them: a header of text, then three
// bytes a pixel.

const NEWLINE = 0x0a;
const RETURN = 0x0d;

export function isPpm(head) {
  return head[0] === 0x50 && head[1] === 0x36 && isSpace(head[2]); // P6
}

// Width, height, and where the pixels begin.
export function header(file) {
  if (!isPpm(file)) {
    throw { tag: 'invalid-image', val: 'This is not a PPM picture.' };
  }
  const damaged = { tag: 'invalid-image', val: 'The PPM is damaged: its header has no three numbers.' };
  let at = 2;
  // The number after spaces and comments, at least one space; large ones are all the same.
  const number = () => {
    const begin = at;
    for (; isSpace(file[at]) || file[at] === 0x23; at++) {
      if (file[at] === 0x23) {
        // A comment, from # to the end of the line.
        while (at < file.length && file[at] !== NEWLINE && file[at] !== RETURN) at++;
      }
    }
    const digits = at;
    let number = 0;
    for (; file[at] >= 0x30 && file[at] <= 0x39; at++) {
      number = Math.min(number * 10 + file[at] - 0x30, 1e9);
    }
    if (begin === digits || digits === at) {
      throw damaged;
    }
    return number;
  };
  const [width, height, most] = [number(), number(), number()];
  if (width === 0 || height === 0) {
    throw { tag: 'invalid-image', val: 'The PPM is damaged: it has no pixels.' };
  }
  if (most !== 255) {
    throw { tag: 'invalid-image', val: `This PPM has values up to ${most}; only 255 is read.` };
  }
  // One space, whatever comes after it.
  if (!isSpace(file[at])) {
    throw damaged;
  }
  return { width, height, end: at + 1 };
}

// The pixels with full opacity, which PPM doesn't know.
export function pixels(file, { width, height, end }) {
  const bytes = width * height * 3;
  // Another picture may follow.
  const data = file.subarray(end, end + bytes);
  if (data.length < bytes) {
    throw { tag: 'invalid-image', val: 'The PPM is damaged: it ends early.' };
  }
  const rgba = new Uint8Array(width * height * 4);
  for (let from = 0, to = 0; from < bytes; from += 3, to += 4) {
    rgba[to] = data[from];
    rgba[to + 1] = data[from + 1];
    rgba[to + 2] = data[from + 2];
    rgba[to + 3] = 255;
  }
  return rgba;
}

// A file of these pixels. What shines through them is white.
export function file(width, height, rgba) {
  const head = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
  const file = new Uint8Array(head.length + width * height * 3);
  file.set(head);
  for (let from = 0, to = head.length; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3];
    const white = 255 * (255 - alpha) + 127;
    file[to] = (rgba[from] * alpha + white) / 255;
    file[to + 1] = (rgba[from + 1] * alpha + white) / 255;
    file[to + 2] = (rgba[from + 2] * alpha + white) / 255;
  }
  return file;
}

function isSpace(byte) {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
