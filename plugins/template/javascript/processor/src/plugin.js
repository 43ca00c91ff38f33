// What the server sees: which operations there are, and how one is carried out.
//
// The operation itself is in label.js and knows nothing of Tintype's tasks. Replace it with yours.

import { limits, log, progress } from 'tintype:plugin/host@0.1.1';
import { guarded } from './guarded.js';
import { label } from './label.js';

// Checked by the server before a task is accepted, and shown to clients at `GET /plugins`.
const PARAMETERS = {
  type: 'object',
  properties: {
    keyword: {
      type: 'string',
      pattern: '^[!-~]+( [!-~]+)*$',
      maxLength: 79,
      description: 'Which label: Comment unless said otherwise.',
    },
    text: {
      type: 'string',
      maxLength: 10000,
      description: 'What it says; without a text the label is taken out.',
    },
  },
  additionalProperties: false,
};

const NOTHING = { type: 'object', properties: {}, additionalProperties: false };

function describe() {
  return {
    name: 'plugin-name',
    version: '0.1.0',
    summary: 'Writes a label into a PNG, or takes it out.',
    accepts: ['image/png'],
    produces: [{ mediaType: 'image/png', paramsSchema: JSON.stringify(NOTHING) }],
    operations: [
      {
        name: 'plugin-name',
        summary: 'Writes a label into a PNG, or takes it out. The pixels stay as they are.',
        paramsSchema: JSON.stringify(PARAMETERS),
      },
    ],
  };
}

function process(input, attachments, steps, target) {
  let png = input.bytes;
  steps.forEach((step, index) => {
    // What the client leaves out is left out here too: defaults are ours.
    const given = Object.fromEntries(step.params.map(({ name, value }) => [name, value.val]));
    png = label(png, given.keyword ?? 'Comment', given.text ?? '');
    progress((index + 1) / steps.length);
  });
  // The sandbox would stop a result that is too large; this says it better.
  const limit = limits().maxOutputBytes;
  if (BigInt(png.length) > limit) {
    throw { tag: 'too-large', val: `The result has ${png.length} bytes; ${limit} are permitted.` };
  }
  log('info', `from ${input.bytes.length} to ${png.length} bytes`);
  return [{ mediaType: 'image/png', bytes: png }];
}

// The name that the interface has in wit/plugin.wit.
export const processor = { describe, process: guarded(process) };
