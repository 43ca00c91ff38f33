// What stands around a plugin's work, so that a mistake in it can be found.

import { log } from 'tintype:plugin/host@0.1.1';

// A failure is an object with a tag, one of those of `failure` in wit/plugin.wit, and is thrown. Anything
// else that is thrown is a mistake; without a word in the log it would be a trap that says nothing.
export const guarded =
  (work) =>
  (...given) => {
    try {
      return work(...given);
    } catch (problem) {
      if (problem?.tag !== undefined) {
        throw problem;
      }
      log('error', `${problem}\n${problem?.stack}`);
      throw { tag: 'failed', val: 'The plugin has a fault; its log says more.' };
    }
  };
