// All plugins, the operator's presets, and files that cannot be used.

import { element } from './element.js';
import { counted, format } from './words.js';
import { forgetPlugins, plugins } from './offers.js';

/** The page. */
export async function pluginsPage() {
    forgetPlugins();
    const list = await plugins();
    const shown = element('div', {}, element('h1', { tabindex: '-1' }, 'Plugins'),
        list.plugins.length === 0 ? element('p', { class: 'hint' }, 'There are none. Drop one into the plugins folder of the server.') : null,
        element('ul', { class: 'rows' }, list.plugins.map(pluginRow)),
        list.presets.length > 0 ? [element('h2', {}, 'Presets'), element('ul', { class: 'rows' }, list.presets.map(presetRow))] : null,
        list.broken.length > 0 ? [element('h2', {}, 'Files that cannot be used'), element('ul', { class: 'rows' }, list.broken.map(brokenRow))] : null);
    return { title: 'Plugins', shown, leave: () => {} };
}

function pluginRow(plugin) {
    const formats = plugin.produces.map(({ type }) => format(type)).join(', ');
    return element('li', { class: 'card' },
        element('div', { class: 'head' },
            element('a', { class: 'name', href: `#/plugin/${plugin.name}` }, plugin.name),
            element('span', { class: 'hint' }, `${plugin.kind} · ${plugin.version}`),
            plugin.state === 'in-use' ? null : element('span', { class: 'state', 'data-phase': 'failed' }, 'its new file cannot be used')),
        element('p', {}, plugin.summary),
        element('p', { class: 'hint' }, [
            plugin.operations.length > 0 ? counted(plugin.operations.length, 'operation') : null,
            formats ? `writes ${formats}` : null,
        ].filter(Boolean).join(' · ')));
}

function presetRow(preset) {
    return element('li', { class: 'card' }, element('strong', {}, preset.name), element('p', {}, preset.summary),
        element('p', { class: 'hint' }, [...preset.operations, preset.output ? format(preset.output) : null].filter(Boolean).join(' → ')));
}

function brokenRow({ file, error }) {
    return element('li', { class: 'card' }, element('strong', {}, file), element('p', { class: 'wrong' }, error));
}
