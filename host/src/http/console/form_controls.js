// The control for one parameter, by the JSON Schema of its value: what is typed into, and how that is read.
//
// Patterns are left to the server, whose regular expressions are not the browser's.

import { element } from './element.js';

const NONE = { given: false };

/** A colour in hexadecimal, with or without how opaque it is. */
const COLOUR = /^#([0-9a-f]{6}|[0-9a-f]{8})$/i;

/** `{input, shown, read, isWide}`: what has the label, what is put onto the page, and what was given. */
export function control(property, about) {
    if (property.format === 'attachment') return attachment(about);
    if (Array.isArray(property.enum)) return choice(property, property.enum, about);
    switch (property.type) {
    case 'boolean': return property.default === undefined ? choice(property, [true, false], about) : tick(property, about);
    case 'integer':
    case 'number': return number(property, about);
    case 'string': return isColour(property) ? colour(property, about) : text(property, about);
    default: return text(property, about);
    }
}

function isColour(property) {
    return /^colou?r$/.test(property.format ?? '') || COLOUR.test(property.default ?? '')
        || (property.pattern ?? '').startsWith('^#') && /\{6\}/.test(property.pattern);
}

/** Given is what differs from the default: a description says no more than it must. */
function unlessDefault(property, required, value) {
    return !required && value === property.default ? NONE : { given: true, value };
}

function attachment({ id, required, changed }) {
    const input = element('input', { id, type: 'file', accept: 'image/*', required, change: changed });
    const read = () => (input.files.length > 0 ? { given: true, file: input.files[0] } : NONE);
    return { input, shown: input, read, isWide: true };
}

function choice(property, values, { id, required, changed }) {
    const hasDefault = values.includes(property.default);
    const options = values.map((value, index) =>
        element('option', { value: index, selected: value === property.default }, typeof value === 'boolean' ? yes(value) : String(value)));
    // A first value that nobody chose must not be sent.
    if (!hasDefault) options.unshift(element('option', { value: '', selected: true }, required ? 'Choose…' : '–'));
    const input = element('select', { id, required, change: changed }, options);
    const read = () => (input.value === '' ? NONE : unlessDefault(property, required, values[Number(input.value)]));
    return { input, shown: input, read };
}

function yes(value) {
    return value ? 'yes' : 'no';
}

function tick(property, { id, required, changed }) {
    const input = element('input', { id, type: 'checkbox', checked: property.default === true, change: changed });
    const read = () => unlessDefault(property, required, input.checked);
    return { input, shown: input, read };
}

function number(property, { id, required, changed }) {
    const step = property.multipleOf ?? (property.type === 'integer' ? 1 : 'any');
    const input = element('input', {
        id, type: 'number', inputmode: property.minimum >= 0 ? 'decimal' : null, required, step, min: property.minimum, max: property.maximum,
        placeholder: hint(property), input: changed, autocomplete: 'off',
    });
    const read = () => {
        if (input.value !== '') return unlessDefault(property, required, input.valueAsNumber);
        // What is no number has no value either.
        return input.validity.badInput ? { given: true, value: null } : NONE;
    };
    return { input, shown: input, read };
}

function colour(property, { id, required, changed }) {
    const input = element('input', {
        id, type: 'text', required, placeholder: hint(property) ?? '#rrggbb', spellcheck: 'false', autocomplete: 'off',
        autocapitalize: 'none', input: () => {
            if (COLOUR.test(input.value)) picker.value = input.value.slice(0, 7).toLowerCase();
            changed();
        },
    });
    const initial = COLOUR.test(hint(property) ?? '') ? hint(property).slice(0, 7) : '#ffffff';
    const picker = element('input', { type: 'color', value: initial, 'aria-label': 'Pick the colour', input: () => {
        input.value = picker.value;
        changed();
    } });
    const read = () => (input.value === '' ? NONE : unlessDefault(property, required, input.value.trim()));
    return { input, shown: element('div', { class: 'colour' }, input, picker), read };
}

function text(property, { id, required, changed }) {
    const input = element('input', {
        id, type: 'text', required, placeholder: hint(property), spellcheck: 'false', autocomplete: 'off',
        autocapitalize: 'none', input: changed,
    });
    const read = () => (input.value === '' ? NONE : unlessDefault(property, required, typed(input.value, property.type)));
    return { input, shown: input, read };
}

/** A list or an object is written as JSON; whatever may be a text is one, unless it is clearly JSON. */
function typed(written, type) {
    if (type === 'string') return written;
    const mayBeText = type === undefined || [type].flat().includes('string');
    if (mayBeText && !/^\s*[[{]/.test(written)) return written;
    try {
        return JSON.parse(written);
    } catch {
        return written;
    }
}

/** The default, or an example. */
function hint(property) {
    const shown = property.default ?? property.examples?.[0];
    if (shown === undefined) return null;
    return typeof shown === 'string' ? shown : JSON.stringify(shown);
}
