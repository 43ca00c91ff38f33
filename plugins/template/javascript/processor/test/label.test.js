import assert from 'node:assert/strict';
import test from 'node:test';
import { processor } from '../src/plugin.js';

const PLAIN = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55' +
    '0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082',
  'hex',
);
// The same with the comment "Grüße", as another program wrote it.
const LABELLED = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55' +
    '0000001369545874436f6d6d656e7400000000004772c3bcc39f654e322135' +
    '0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082',
  'hex',
);

const step = (params) => ({
  operation: 'plugin-name',
  params: Object.entries(params).map(([name, val]) => ({ name, value: { tag: 'text', val } })),
});

function label(bytes, ...steps) {
  const images = processor.process({ mediaType: 'image/png', bytes }, [], steps.map(step), undefined);
  assert.deepEqual([images.length, images[0].mediaType], [1, 'image/png']);
  return Buffer.from(images[0].bytes);
}

test('a label is written behind the header', () => {
  assert.deepEqual(label(PLAIN, { text: 'Grüße' }), LABELLED);
});

test('a label is replaced by a new one and taken out by none', () => {
  assert.deepEqual(label(label(PLAIN, { text: 'Salut' }), { text: 'Grüße' }), LABELLED);
  assert.deepEqual(label(LABELLED, {}), PLAIN);
  assert.deepEqual(label(LABELLED, { keyword: 'Author' }), LABELLED);
});

test('steps are carried out in their order', () => {
  assert.deepEqual(label(PLAIN, { text: 'Salut' }, { text: 'Grüße' }), LABELLED);
});

test('what is no PNG or only a part of one is refused', () => {
  const refused = { tag: 'invalid-image' };
  assert.throws(() => label(Buffer.from('GIF89a'), {}), refused);
  for (let length = 0; length < LABELLED.length; length++) {
    assert.throws(() => label(LABELLED.subarray(0, length), {}), refused);
  }
});

test('a text that PNG cannot hold is refused', () => {
  assert.throws(() => label(PLAIN, { text: 'a\0b' }), { tag: 'invalid-parameters' });
});

test('a result that is larger than permitted is refused', () => {
  assert.throws(() => label(PLAIN, { text: 'a'.repeat(1000) }), { tag: 'too-large' });
});
