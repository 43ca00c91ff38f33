// One plugin: what it is, what it can do, what bounds it, and how its runs have gone.

import { alert, element, facts } from './element.js';
import { atMost, figures, mean } from './figures.js';
import { bytes, counted, duration, format } from './words.js';
import { requestJson } from './server.js';

/** The page. */
export async function pluginPage(name) {
    const { plugins, presets } = await requestJson(`plugins/${name}`);
    // One after the other: where a key is wanted, the first request asks for it.
    const counts = await figures(name);
    const shown = element('div', { class: 'plugin' }, element('h1', { tabindex: '-1' }, name),
        plugins.map(about),
        element('h2', {}, 'Runs since the server started'), runs(counts),
        plugins.map((plugin) => offers(plugin, plugins.length > 1 ? ` of ${plugin.version}` : '')),
        presets.length > 0 ? [element('h2', {}, 'Presets'), element('p', {}, presets.map((preset) => preset.name).join(', '))] : null);
    return { title: name, shown, leave: () => {} };
}

function about(plugin) {
    const { limits } = plugin;
    return element('section', { 'aria-label': `Version ${plugin.version}` },
        element('p', { class: 'lead' }, plugin.summary),
        plugin.error ? alert('The file that is there now cannot be used; what was there before stays in use.', plugin.error) : null,
        facts([
            ['Version', plugin.version],
            ['Kind', plugin.kind],
            ['State', plugin.state === 'in-use' ? 'in use' : 'an earlier file is in use'],
            ['Reads', plugin.accepts.map(format).join(', ')],
            ['Writes', plugin.produces.map(({ type }) => format(type)).join(', ')],
            ['Deadline', duration(limits.deadline_ms)],
            ['Memory', bytes(limits.memory_bytes)],
            ['Results', `at most ${bytes(limits.output_bytes)}`],
            ['Pictures', `${(limits.pixels / 1e6).toLocaleString('en')} megapixels, ${limits.frames.toLocaleString('en')} frames`],
            ['At once', limits.concurrency === undefined ? null : counted(limits.concurrency, 'run')],
            ['Imports', plugin.imports.join(', ')],
            ['SHA-256', element('code', {}, plugin.sha256)],
        ]));
}

function offers(plugin, ofVersion) {
    const outputs = plugin.produces.filter(({ params }) => hasProperties(params));
    return [
        plugin.operations.length > 0 ? element('h2', {}, `Operations${ofVersion}`) : null,
        plugin.operations.map(({ name, summary, params }) => schemaCard(name, summary, params)),
        outputs.length > 0 ? element('h2', {}, `Formats${ofVersion}`) : null,
        outputs.map(({ type, params }) => schemaCard(format(type), null, params)),
    ];
}

function hasProperties(schema) {
    return Object.keys(schema.properties ?? {}).length > 0;
}

function schemaCard(name, summary, schema) {
    const required = new Set(schema.required ?? []);
    const head = [element('h3', {}, name), summary ? element('p', {}, summary) : null];
    if (!hasProperties(schema)) return element('div', { class: 'card' }, head);
    return element('details', { class: 'card' },
        element('summary', {}, element('div', { class: 'inline' }, head)),
        facts(Object.entries(schema.properties).map(([param, property]) => [
            element('code', {}, param),
            element('div', {}, element('span', { class: 'hint' }, rule(property, required.has(param))), element('div', {}, property.description ?? '')),
        ]), 'params'));
}

/** A value's rule in a few words. */
function rule(property, required) {
    const { minimum, maximum } = property;
    const bounds = minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}`
        : minimum !== undefined ? `at least ${minimum}` : maximum !== undefined ? `at most ${maximum}` : null;
    return [
        required ? 'required' : null,
        property.format === 'attachment' ? 'a picture' : property.enum ? property.enum.join(', ') : [property.type ?? 'anything'].flat().join(' or '),
        bounds,
        property.default === undefined ? null : `otherwise ${JSON.stringify(property.default)}`,
    ].filter(Boolean).join(' · ');
}

function runs(counts) {
    if (counts === null) return element('p', { class: 'hint' }, 'The figures cannot be had from here.');
    const total = [...counts.runs.values()].reduce((sum, count) => sum + count, 0);
    if (total === 0) return element('p', { class: 'hint' }, 'None.');
    const { run_duration_seconds: time, run_cpu_seconds: cpu, run_peak_memory_bytes: memory, queue_wait_seconds: wait } = counts.histograms;
    const seconds = (value) => (value === null ? null : duration(value * 1000));
    return facts([
        ['Runs', total.toLocaleString('en')],
        ...[...counts.runs].sort((a, b) => b[1] - a[1]).map(([outcome, count]) => [outcome === 'ok' ? 'Went well' : outcome, count.toLocaleString('en')]),
        ['Mean time', seconds(mean(time))],
        ['Nine of ten within', seconds(atMost(time, 0.9))],
        ['Mean processor time', seconds(mean(cpu))],
        ['Mean peak memory', mean(memory) === null ? null : bytes(Math.round(mean(memory)))],
        ['Mean wait', seconds(mean(wait))],
    ]);
}
