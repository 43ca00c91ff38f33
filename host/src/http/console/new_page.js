// The page where a picture and what is to be done with it come together.

import { alert, element } from './element.js';
import { announce } from './announce.js';
import { copyButton } from './copy.js';
import { currentKey } from './key.js';
import { curl } from './curl.js';
import { describe, form } from './description.js';
import { explained, requestJson } from './server.js';
import { formats, offered, plugins } from './offers.js';
import { operationList } from './operations.js';
import { outputChoice } from './output.js';
import { place } from './problem.js';
import { remember } from './submitted.js';
import { sourcePicture } from './source.js';

/** Kept while other pages are looked at, so that a task can be changed and sent again. */
let kept = null;

/** The page: `shown` and `leave()`. */
export async function newPage() {
    kept ??= build(await plugins());
    kept.source.listen();
    kept.refresh();
    return { title: 'New task', shown: kept.shown, leave: kept.source.unlisten };
}

function build(list) {
    /** So that a request whose answer was lost can be sent again and runs once. */
    let attempt = null;
    const changed = () => {
        attempt = null;
        output?.offer(formats(list, operations.last()));
        refresh();
    };
    let output = null;
    const source = sourcePicture(changed);
    const operations = operationList(offered(list), changed);
    output = outputChoice(changed);
    output.offer(formats(list, null));
    const refusal = element('div');
    const submit = element('button', { type: 'submit', class: 'main' }, 'Submit');
    const command = element('code');
    const description = element('code');
    const message = () => describe(operations.read(), output.read());
    const asCurl = () => curl(source.picture() ?? { name: 'picture.jpg', type: 'image/jpeg' }, message(), currentKey() !== null);

    function refresh() {
        if (!output) return;
        description.textContent = JSON.stringify(message().description, null, 2);
        command.textContent = asCurl();
    }
    function clear() {
        source.mark(null);
        operations.clear();
        output.clear();
        refusal.replaceChildren();
    }
    /** Whether something is missing that needs no server to be seen. */
    function incomplete() {
        const missing = source.picture() === null;
        if (missing) source.mark('A picture is needed.');
        const none = operations.last() === null;
        if (none) refuse('No operation', 'Add at least one: convert changes nothing but the format.');
        const wrong = operations.check() ?? output.check();
        if (missing) source.focus();
        else if (wrong) wrong.focus();
        if (missing || wrong) announce('Something is missing or wrong: see the marked fields.');
        return missing || none || wrong !== null;
    }
    function refuse(title, detail) {
        refusal.replaceChildren(alert(title, detail));
    }
    async function send(event) {
        event.preventDefault();
        clear();
        if (submit.getAttribute('aria-disabled') === 'true' || incomplete()) return;
        // Still focused: what is disabled cannot be.
        submit.setAttribute('aria-disabled', 'true');
        submit.textContent = 'Sending…';
        announce('Sending the picture.');
        const picture = source.picture();
        const sent = message();
        attempt ??= randomKey();
        const began = performance.now();
        try {
            const task = await requestJson('images/tasks', {
                method: 'POST', body: form(picture, sent), headers: { 'Idempotency-Key': attempt },
            });
            attempt = null;
            remember(task.id, { picture, message: sent, began, accepted: performance.now() });
            location.hash = `#/task/${task.id}`;
        } catch (error) {
            const { title, detail } = explained(error);
            // A picture that was changed or taken away meanwhile cannot be read, and that looks like no network.
            refuse(title, detail);
            if (error.status !== undefined) {
                attempt = null;
                if (place(error.message, operations, output)) {
                    shown.querySelector('[aria-invalid]')?.focus();
                }
            }
        } finally {
            submit.removeAttribute('aria-disabled');
            submit.textContent = 'Submit';
        }
    }
    const shown = element('form', { class: 'new', novalidate: true, submit: send },
        element('h1', { tabindex: '-1' }, 'New task'),
        element('section', { class: 'left', 'aria-labelledby': 'picture-title' },
            element('h2', { id: 'picture-title' }, 'Picture'), source.shown),
        element('section', { class: 'right', 'aria-label': 'What to do' },
            element('h2', {}, 'Operations'), operations.shown,
            element('h2', {}, 'Result'), element('div', { class: 'card' }, output.shown),
            refusal, element('div', { class: 'actions' }, submit),
            element('details', { class: 'more request' }, element('summary', {}, 'As a request'),
                element('pre', { tabindex: '0', 'aria-label': 'Command' }, command), copyButton('Copy as curl', asCurl),
                element('p', { class: 'hint' }, 'The description in it:'),
                element('pre', { tabindex: '0', 'aria-label': 'Description' }, description))));
    operations.add('resize');
    refresh();
    return { shown, source, refresh };
}

/** 128 random bits. `crypto.randomUUID` is for pages with a certificate alone. */
function randomKey() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
