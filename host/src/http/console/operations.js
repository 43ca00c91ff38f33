// The list of operations that a person puts together: added, filled in, moved and removed.

import { element, freshId } from './element.js';
import { announce } from './announce.js';
import { formFields } from './form_fields.js';

/** As many as a task may have. */
const MOST = 16;

/** The editor: `shown`, an element; `read()`, the operations; `mark()` and `check()` as fields have them. */
export function operationList(groups, changed) {
    const cards = [];
    const list = element('ol', { class: 'operations' });
    const empty = element('p', { class: 'hint' }, 'Nothing is asked for yet. Add at least one operation.');
    const select = element('select', { id: 'add-operation' }, groups.map((group) =>
        element('optgroup', { label: group.title }, group.operations.map((operation) =>
            element('option', {}, operation.name)))));
    const operations = groups.flatMap((group) => group.operations);
    const summary = element('p', { id: 'add-summary', class: 'hint' });
    const describe = () => { summary.textContent = operations[select.selectedIndex]?.summary ?? ''; };
    select.addEventListener('change', describe);
    select.setAttribute('aria-describedby', 'add-summary');
    describe();
    const add = element('button', { type: 'button', click: () => {
        const card = insert(operations[select.selectedIndex]);
        announce(`${card.operation.name} added as operation ${cards.length}.`);
        card.begin();
    } }, 'Add');

    function insert(operation) {
        const card = operationCard(operation, { move, remove, changed });
        cards.push(card);
        update();
        return card;
    }
    function move(card, by) {
        const at = cards.indexOf(card);
        cards.splice(at, 1);
        cards.splice(at + by, 0, card);
        update();
        announce(`${card.operation.name} is now operation ${at + by + 1} of ${cards.length}.`);
        card.focusMove(by);
    }
    function remove(card) {
        const at = cards.indexOf(card);
        cards.splice(at, 1);
        update();
        announce(`${card.operation.name} removed.`);
        const next = cards[Math.min(at, cards.length - 1)];
        if (next) next.focusRemove();
        else select.focus();
    }
    function update() {
        // Moving what is there already keeps what was typed; replacing all would take the focus away.
        cards.forEach((card, index) => {
            if (list.children[index] !== card.shown) list.insertBefore(card.shown, list.children[index] ?? null);
            card.place(index, cards.length);
        });
        while (list.children.length > cards.length) list.lastChild.remove();
        empty.hidden = cards.length > 0;
        add.disabled = operations.length === 0 || cards.length >= MOST;
        changed();
    }
    const shown = element('div', {}, list, empty,
        element('div', { class: 'add' }, element('label', { for: 'add-operation' }, 'Operation'), select, add), summary);
    update();
    return {
        shown,
        add: (name) => {
            const operation = operations.find((one) => one.name === name);
            if (operation) insert(operation);
        },
        read: () => cards.map((card) => ({ operation: card.operation, params: card.read() })),
        last: () => cards.at(-1)?.operation ?? null,
        check: () => cards.map((card) => card.check()).find(Boolean) ?? null,
        clear: () => cards.forEach((card) => card.mark(null, null)),
        /** Marks a field, or without a parameter the operation; where one stands twice, each that has the value. */
        mark: (name, param, complaint) => {
            const meant = cards.filter((card) => card.operation.name === name);
            const giving = meant.filter((card) => param === null || card.read().some((given) => given.name === param));
            const marked = giving.length > 0 ? giving : meant;
            return marked.map((card) => card.mark(param, complaint)).some(Boolean);
        },
    };
}

function operationCard(operation, { move, remove, changed }) {
    const id = freshId('operation');
    const form = formFields(operation.params, changed);
    const complaint = element('p', { class: 'wrong', hidden: true });
    const place = element('span', { class: 'place', 'aria-hidden': 'true' });
    const named = (label) => `${label} ${operation.name}`;
    const up = element('button', { type: 'button', class: 'icon', click: () => move(card, -1), 'aria-label': named('Move up:') }, '↑');
    const down = element('button', { type: 'button', class: 'icon', click: () => move(card, 1), 'aria-label': named('Move down:') }, '↓');
    const away = element('button', { type: 'button', class: 'icon', click: () => remove(card), 'aria-label': named('Remove') }, '×');
    const heading = element('h3', { id, tabindex: '-1' }, operation.name,
        operation.named ? element('small', {}, ` of ${operation.plugin.name}`) : null);
    const shown = element('li', { class: 'card operation' },
        element('div', { class: 'head' }, place, heading, element('div', { class: 'icons' }, up, down, away)),
        element('p', { class: 'hint' }, operation.summary), complaint,
        form.fields ? element('div', { role: 'group', 'aria-labelledby': id }, form.fields) : null);
    const card = {
        operation,
        shown,
        read: form.read,
        check: form.check,
        place: (index, count) => {
            place.textContent = index + 1;
            up.disabled = index === 0;
            down.disabled = index === count - 1;
        },
        begin: () => (shown.querySelector('input, select') ?? heading).focus(),
        focusMove: (by) => {
            const [same, other] = by < 0 ? [up, down] : [down, up];
            (same.disabled ? other : same).focus();
        },
        focusRemove: () => away.focus(),
        mark: (param, text) => {
            if (text === null) form.clear();
            else if (param !== null && form.mark(param, text)) return true;
            complaint.hidden = text === null;
            complaint.textContent = text === null ? '' : param === null ? text : `${param}: ${text}`;
            return true;
        },
    };
    return card;
}
