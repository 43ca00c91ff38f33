// A form for the parameters that a JSON Schema describes. What it doesn't know becomes a text field, for the
// server has the last word on every value.

import { element, freshId } from './element.js';
import { control } from './form_controls.js';

/** Fields that are seen at once; further optional ones are a click away. */
const AT_ONCE = 4;

/**
 * Fields for a schema's properties: `fields`, an element; `read()`, the values that were given; `mark()`, a
 * complaint beside its field; `clear()`. `changed` is called whenever a value may have changed.
 */
export function formFields(schema, changed) {
    const required = new Set(schema.required ?? []);
    const all = Object.entries(schema.properties ?? {}).map(([name, property]) =>
        field(name, property, required.has(name), changed));
    const first = all.filter((one) => one.required);
    const rest = all.filter((one) => !one.required);
    const shown = rest.length + first.length <= AT_ONCE + 1 ? rest.length : Math.max(0, AT_ONCE - first.length);
    const more = rest.slice(shown);
    const details = more.length === 0 ? null : element('details', { class: 'more' },
        element('summary', {}, `${more.length} more`), element('div', { class: 'fields' }, more.map((one) => one.row)));
    const fields = all.length === 0 ? null : element('div', {},
        element('div', { class: 'fields' }, [...first, ...rest.slice(0, shown)].map((one) => one.row)), details);
    return {
        fields,
        read: () => all.map((one) => ({ name: one.name, ...one.read() })).filter(({ given }) => given),
        /** Whether there is such a field; the complaint stands beside it then. */
        mark: (name, complaint) => {
            const wrong = all.find((one) => one.name === name);
            if (!wrong) return false;
            if (details && more.includes(wrong)) details.open = true;
            wrong.mark(complaint);
            return true;
        },
        /** Marks what cannot be right, and gives the first such field. */
        check: () => {
            const wrong = all.filter((one) => one.check());
            if (details && wrong.some((one) => more.includes(one))) details.open = true;
            return wrong[0] ?? null;
        },
        clear: () => all.forEach((one) => one.mark(null)),
    };
}

function field(name, property, required, changed) {
    const id = freshId('field');
    const edited = () => {
        mark(null);
        changed();
    };
    const made = control(property, { id, required, changed: edited });
    const complaint = element('p', { id: `${id}-wrong`, class: 'wrong', hidden: true });
    const help = property.description ? element('p', { id: `${id}-help`, class: 'hint' }, property.description) : null;
    const label = element('label', { for: id }, name, required ? element('span', { class: 'needed' }, ' required') : null);
    const row = element('div', { class: made.isWide ? 'field wide' : 'field' }, label, made.shown, complaint, help);

    function describe() {
        const about = [complaint.hidden ? null : complaint.id, help?.id].filter(Boolean).join(' ');
        if (about) made.input.setAttribute('aria-describedby', about);
        else made.input.removeAttribute('aria-describedby');
    }
    function mark(text) {
        complaint.hidden = text === null;
        complaint.textContent = text ?? '';
        if (text === null) made.input.removeAttribute('aria-invalid');
        else made.input.setAttribute('aria-invalid', 'true');
        describe();
    }
    function check() {
        if (made.input.checkValidity()) return false;
        mark(made.input.validationMessage);
        return true;
    }
    describe();
    return { name, row, required, read: made.read, mark, check, focus: () => made.input.focus() };
}
