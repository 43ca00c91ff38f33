// Labels in PNG files: chunks of type `iTXt`, as https://www.w3.org/TR/png-3/#11iTXt has them.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const LABELS = ['tEXt', 'zTXt', 'iTXt'];

// The same picture with this label and no other of its keyword; without one if `text` is empty.
export function label(png, keyword, text) {
  // The schema lets this pass, and PNG does not.
  if (text.includes('\0')) {
    throw { tag: 'invalid-parameters', val: 'text: must not contain the character U+0000.' };
  }
  if (!startsWith(png, SIGNATURE)) {
    throw { tag: 'invalid-image', val: 'This is not a PNG picture.' };
  }
  const keywordBytes = [...new TextEncoder().encode(keyword), 0];
  const kept = [png.subarray(0, SIGNATURE.length)];
  let at = SIGNATURE.length;
  for (let kind = ''; kind !== 'IEND'; ) {
    // Lengths are the sender's word: nothing is believed.
    const end = png.length - at < 12 ? Infinity : at + 12 + u32(png, at);
    if (end > png.length) {
      throw { tag: 'invalid-image', val: 'The PNG is damaged: it ends early.' };
    }
    kind = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if ((at === SIGNATURE.length) !== (kind === 'IHDR')) {
      throw { tag: 'invalid-image', val: 'The PNG is damaged: its header is not where it belongs.' };
    }
    const data = png.subarray(at + 8, end - 4);
    if (!(LABELS.includes(kind) && startsWith(data, keywordBytes))) {
      kept.push(png.subarray(at, end));
    }
    if (kind === 'IHDR' && text !== '') {
      kept.push(newLabel(keyword, text));
    }
    at = end;
  }
  return concat(kept);
}

function newLabel(keyword, text) {
  // Not compressed, of no particular language, and the keyword not translated.
  const body = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text}`);
  return concat([bytesOf(body.length - 4), body, bytesOf(crc32(body))]);
}

function startsWith(bytes, prefix) {
  return prefix.every((byte, index) => bytes[index] === byte);
}

function u32(bytes, at) {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

function bytesOf(number) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function concat(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return ~crc >>> 0;
}
