// The functions of the interface `host` in wit/plugin.wit, as far as tests need them.

export const log = () => {};
export const progress = () => {};
export const cancelled = () => false;
export const limits = () => ({
  maxWidth: 65535,
  maxHeight: 65535,
  maxPixels: 100_000_000n,
  maxFrames: 1000,
  maxOutputBytes: 1000n,
  maxMemoryBytes: 512n << 20n,
});
