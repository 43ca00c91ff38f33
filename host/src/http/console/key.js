// The API key: asked for when the server wants one, kept for as long as the tab is open, and sent to
// nobody but the server that served this page.

import { element } from './element.js';
import { announce } from './announce.js';

const PLACE = 'tintype-key';
/** Where the browser keeps nothing for pages: a reload forgets it. */
let fallback = null;
const button = document.getElementById('key');

/** The key, if one was given. */
export function currentKey() {
    try {
        return sessionStorage.getItem(PLACE);
    } catch {
        return fallback;
    }
}

function keep(key) {
    fallback = key;
    try {
        if (key === null) sessionStorage.removeItem(PLACE);
        else sessionStorage.setItem(PLACE, key);
    } catch {
        // Then it is in `fallback` alone.
    }
    show();
}

function show() {
    button.replaceChildren('API key', ...(currentKey() === null ? [] : [
        element('span', { class: 'unseen' }, ': given'), element('span', { 'aria-hidden': 'true' }, ' ✓'),
    ]));
}

/** The question that is open, if one is: several requests that are refused at once ask once. */
let open = null;

/** Asks for the key, saying why; whether there is a new one. */
export function askForKey(reason) {
    open ??= ask(reason).finally(() => { open = null; });
    return open;
}

function ask(reason) {
    let answered;
    const answer = new Promise((resolve) => { answered = resolve; });
    const had = currentKey() !== null;
    let given = false;
    const input = element('input', {
        id: 'key-text', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, autofocus: true,
        'aria-describedby': 'key-why key-where',
    });
    const dialog = element('dialog', { class: 'key', 'aria-labelledby': 'key-title', close: () => {
        dialog.remove();
        answered(given);
    } });
    const use = (event) => {
        event.preventDefault();
        const key = input.value.trim();
        // A header cannot carry anything else.
        if (!/^[\x21-\x7e]+$/.test(key)) {
            input.setAttribute('aria-invalid', 'true');
            input.focus();
            return;
        }
        keep(key);
        given = true;
        dialog.close();
    };
    const remove = () => {
        keep(null);
        announce('The API key is removed.');
        dialog.close();
        // What it showed must not stay on the page.
        location.reload();
    };
    dialog.append(
        element('h2', { id: 'key-title' }, 'API key'),
        element('p', { id: 'key-why' }, reason),
        element('form', { submit: use },
            element('label', { for: 'key-text' }, had ? 'Another key' : 'Key'), input,
            element('p', { id: 'key-where', class: 'hint' },
                'It stays in this tab and is forgotten when the tab is closed. An operator makes one with ',
                element('code', {}, 'tintype key new NAME'), '.'),
            element('div', { class: 'actions' },
                element('button', { type: 'submit', class: 'main' }, 'Use this key'),
                had ? element('button', { type: 'button', click: remove }, 'Remove the key') : null,
                element('button', { type: 'button', class: 'quiet', click: () => dialog.close() }, 'Close'))));
    document.body.append(dialog);
    dialog.showModal();
    return answer;
}

/** Makes the button in the header work. A key that is given there takes effect on the whole page. */
export function offerKey() {
    show();
    button.addEventListener('click', async () => {
        const reason = currentKey() === null
            ? 'Where a server has keys, it serves nobody without one.'
            : 'A key is in use. Its tasks are seen by it alone.';
        if (await askForKey(reason)) location.reload();
    });
}
