// What the server sees: which operations there are, and how one is carried out.
//
// The operation itself is in sepia.js and knows nothing of Tintype. Replace it with yours.

import { guarded } from './guarded.js';
import { sepia } from './sepia.js';

// Checked by the server before a task is accepted, and shown to clients at `GET /plugins`.
const PARAMETERS = {
  type: 'object',
  properties: {
    strength: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 1,
      description: 'From 0, which changes nothing, to 1.',
    },
  },
  additionalProperties: false,
};

function describe() {
  return {
    name: 'plugin-name',
    version: '0.1.0',
    summary: 'Gives pictures the brown of old photographs.',
    operations: [
      {
        name: 'plugin-name',
        summary: 'Gives a picture the brown of old photographs.',
        paramsSchema: JSON.stringify(PARAMETERS),
      },
    ],
  };
}

function apply(frame, attachments, steps) {
  for (const step of steps) {
    // What the client leaves out is left out here too: defaults are ours.
    const given = Object.fromEntries(step.params.map(({ name, value }) => [name, value.val]));
    sepia(frame.rgba, given.strength ?? 1);
  }
  return frame;
}

// The name that the interface has in wit/plugin.wit.
export const filter = { describe, apply: guarded(apply) };
