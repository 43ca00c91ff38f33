// What can be done here, from `/plugins`: operations, presets and formats, each once.

import { requestJson } from './server.js';

let loading = null;

/** The plugins as the server lists them; asked for once, until `forgetPlugins`. */
export function plugins() {
    loading ??= requestJson('plugins').catch((error) => {
        loading = null;
        throw error;
    });
    return loading;
}

/** Plugins come and go while the server runs. */
export function forgetPlugins() {
    loading = null;
}

/** Everything that can be an operation, grouped as a person would look for it: presets, then by plugin. */
export function offered(list) {
    const current = newest(list.plugins);
    const groups = current.filter((plugin) => plugin.operations.length > 0).map((plugin) => ({
        title: plugin.name,
        operations: plugin.operations.map((operation) => ({
            name: operation.name,
            summary: operation.summary,
            params: operation.params,
            plugin,
            // Two plugins offer it: the description has to say which.
            named: current.filter((other) => other.operations.some(({ name }) => name === operation.name)).length > 1,
        })),
    }));
    // What the server brings along has most of what people look for.
    groups.sort((a, b) => Number(b.title === 'standard') - Number(a.title === 'standard'));
    const presets = list.presets.map((preset) => ({
        name: preset.name, summary: preset.summary, params: { type: 'object', properties: {} }, plugin: null, named: false,
    }));
    return presets.length > 0 ? [{ title: 'Presets', operations: presets }, ...groups] : groups;
}

/** The formats that a task ending with `last` can have, each with the JSON Schema of its parameters. */
export function formats(list, last) {
    const current = newest(list.plugins);
    const codecs = current.filter((plugin) => plugin.kind === 'codec').flatMap((plugin) => plugin.produces);
    const own = last?.plugin?.produces ?? [];
    const all = new Map();
    // What the last plugin writes itself wins, as it does in the server.
    for (const format of [...own, ...codecs]) {
        if (!all.has(format.type)) all.set(format.type, format);
    }
    return [...all.values()];
}

/** Of several versions of a plugin the newest: the one that the server takes where nothing is said. */
function newest(all) {
    const byName = new Map();
    for (const plugin of all) {
        const known = byName.get(plugin.name);
        if (!known || compare(plugin.version, known.version) > 0) byName.set(plugin.name, plugin);
    }
    return [...byName.values()];
}

/** By semver.org; of pre-releases it is enough to know that they come before. */
function compare(a, b) {
    const [left, right] = [a, b].map((version) => {
        const [release, before] = version.split('+')[0].split(/-(.*)/s);
        return [...release.split('.').map(Number), before === undefined ? 1 : 0];
    });
    const at = left.findIndex((number, index) => number !== right[index]);
    return at === -1 ? 0 : left[at] - right[at];
}
