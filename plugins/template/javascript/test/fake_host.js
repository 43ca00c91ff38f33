// The functions of the interface `host` in wit/plugin.wit, as far as this plugin calls them.

export const log = () => {};
export const progress = () => {};
export const limits = () => ({ maxOutputBytes: 1000n });
