import assert from 'node:assert/strict';
import test from 'node:test';
import { filter } from '../src/plugin.js';

const PIXELS = [200, 100, 50, 255, 0, 0, 0, 9, 255, 255, 255, 0];

const step = (params) => ({
  operation: 'plugin-name',
  params: Object.entries(params).map(([name, val]) => ({ name, value: { tag: 'number', val } })),
});

function sepia(...steps) {
  const frame = { width: 3, height: 1, rgba: Uint8Array.from(PIXELS) };
  const { width, height, rgba } = filter.apply(frame, [], steps.map(step));
  assert.deepEqual([width, height], [3, 1]);
  return [...rgba];
}

test('every pixel becomes brown and keeps its transparency', () => {
  assert.deepEqual(sepia({ strength: 1 }), [164, 146, 114, 255, 0, 0, 0, 9, 255, 255, 238, 0]);
});

test('half the strength is half way', () => {
  assert.deepEqual(sepia({ strength: 0.5 }), [182, 123, 82, 255, 0, 0, 0, 9, 255, 255, 246, 0]);
});

test('a strength that is left out is 1', () => {
  assert.deepEqual(sepia({}), sepia({ strength: 1 }));
});

test('without strength nothing changes', () => {
  assert.deepEqual(sepia({ strength: 0 }, { strength: 0 }), PIXELS);
});
