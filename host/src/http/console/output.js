// The result's format and its parameters.

import { element } from './element.js';
import { format } from './words.js';
import { formFields } from './form_fields.js';

/** The editor. `offer()` is told which formats there are, which depends on the last operation. */
export function outputChoice(changed) {
    const select = element('select', { id: 'output-type' });
    const place = element('div');
    const complaint = element('p', { class: 'wrong', hidden: true });
    let known = [];
    let form = formFields({}, changed);

    function choose() {
        form = formFields(known.find(({ type }) => type === select.value)?.params ?? {}, changed);
        place.replaceChildren(...(form.fields ? [form.fields] : []));
        complaint.hidden = true;
        changed();
    }
    select.addEventListener('change', choose);

    function offer(formats) {
        if (known.length === formats.length && known.every((one, index) => one === formats[index])) return;
        const before = { type: select.value, params: known.find(({ type }) => type === select.value)?.params };
        known = formats;
        select.replaceChildren(element('option', { value: '' }, 'As the picture is'),
            ...formats.map(({ type }) => element('option', { value: type, selected: type === before.type }, format(type))));
        const now = formats.find(({ type }) => type === select.value);
        // What was typed stays where the form is the same.
        if (JSON.stringify(now?.params) !== JSON.stringify(before.params)) choose();
    }
    return {
        shown: element('div', {}, element('div', { class: 'field' }, element('label', { for: 'output-type' }, 'Format'), select), complaint, place),
        offer,
        read: () => (select.value === '' ? null : { type: select.value, params: form.read() }),
        check: () => form.check(),
        clear: () => {
            form.clear();
            complaint.hidden = true;
        },
        mark: (param, text) => {
            if (param !== null && form.mark(param, text)) return;
            complaint.hidden = false;
            complaint.textContent = text;
        },
    };
}
