import assert from 'node:assert/strict';
import test from 'node:test';
import { codec } from '../src/plugin.js';

const TYPE = 'image/x-portable-pixmap';
const FILE = Buffer.from('P6 # two pixels\n2\t1\n#\n255\n\x01\x02\x03\xff\xfe\xfd', 'latin1');

const encode = (width, height, ...rgba) =>
  codec.encode({ frames: [{ width, height, rgba: Uint8Array.from(rgba) }] }, { mediaType: TYPE, params: [] });

test('a file is recognized, and read with its comments', () => {
  assert.equal(codec.probe(FILE), TYPE);
  const { frames } = codec.decode(FILE);
  assert.deepEqual(frames, [
    { width: 2, height: 1, rgba: Uint8Array.of(1, 2, 3, 255, 255, 254, 253, 255) },
  ]);
});

test('what shines through is white', () => {
  const file = encode(3, 1, 1, 2, 3, 255, 100, 0, 0, 128, 9, 9, 9, 0);
  assert.equal(Buffer.from(file).toString('latin1'), 'P6\n3 1\n255\n\x01\x02\x03\xb1\x7f\x7f\xff\xff\xff');
});

test('what is written is read again', () => {
  const { frames } = codec.decode(encode(1, 2, 1, 2, 3, 255, 4, 5, 6, 255));
  assert.deepEqual(frames, [{ width: 1, height: 2, rgba: Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 255) }]);
});

test('what is no PPM or only a part of one is refused', () => {
  const refused = { tag: 'invalid-image' };
  for (let length = 0; length < FILE.length; length++) {
    assert.throws(() => codec.decode(FILE.subarray(0, length)), refused);
  }
  for (const other of ['P5 1 1 255 aaa', 'P61 1 255 aaa', 'P6 0 1 255 ', 'P6 1 1 65535 aaaaaa']) {
    assert.throws(() => codec.decode(Buffer.from(other)), refused);
  }
  assert.equal(codec.probe(Buffer.from('P5 1 1 255 a')), undefined);
});

test('a header that claims millions is refused', () => {
  for (const header of ['P6 70000 1 255 ', 'P6 1 70000 255 ', 'P6 60000 60000 255 ']) {
    assert.throws(() => codec.decode(Buffer.from(header)), { tag: 'too-large' });
  }
});

test('a result that is larger than permitted is refused', () => {
  assert.throws(() => encode(500, 1, ...new Array(2000).fill(0)), { tag: 'too-large' });
});
