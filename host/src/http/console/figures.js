// What the server has counted of a plugin, from `/metrics` (OpenMetrics 1.0).

import { request } from './server.js';

const SAMPLE = /^(\w+)\{(.*)\} ([^ ]+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** The figures of a plugin in all its versions; null where they cannot be had, as they may be closed to clients. */
export async function figures(plugin) {
    try {
        const response = await request('metrics', { quiet: true });
        return read(await response.text(), plugin);
    } catch {
        return null;
    }
}

function read(text, plugin) {
    const runs = new Map();
    const histograms = {};
    for (const { name, labels, value } of samples(text)) {
        if (labels.plugin !== plugin) continue;
        if (name === 'tintype_plugin_runs_total') {
            runs.set(labels.outcome, (runs.get(labels.outcome) ?? 0) + value);
            continue;
        }
        const [, of, part] = /^tintype_plugin_(.*)_(sum|count|bucket)$/.exec(name) ?? [];
        if (!of) continue;
        const histogram = histograms[of] ??= { sum: 0, count: 0, buckets: new Map() };
        if (part === 'bucket') histogram.buckets.set(labels.le, (histogram.buckets.get(labels.le) ?? 0) + value);
        else histogram[part] += value;
    }
    return { runs, histograms };
}

function* samples(text) {
    for (const line of text.split('\n')) {
        const [, name, written, value] = SAMPLE.exec(line) ?? [];
        if (!name) continue;
        yield { name, labels: Object.fromEntries([...written.matchAll(LABEL)].map(([, label, said]) => [label, said])), value: Number(value) };
    }
}

/** The mean; null of nothing. */
export function mean(histogram) {
    return histogram?.count > 0 ? histogram.sum / histogram.count : null;
}

/** What this share of the values is at most, as far as buckets tell; null of nothing, and beyond the last bucket. */
export function atMost(histogram, share) {
    if (!(histogram?.count > 0)) return null;
    const buckets = [...histogram.buckets].map(([le, count]) => [le === '+Inf' ? Infinity : Number(le), count]).sort((a, b) => a[0] - b[0]);
    const [bound] = buckets.find(([, count]) => count >= histogram.count * share) ?? [Infinity];
    return Number.isFinite(bound) ? bound : null;
}
