// One task: how far it is, why it failed, what it made.

import { alert, element, facts } from './element.js';
import { announce } from './announce.js';
import { bytes, format, shortId } from './words.js';
import { copyButton } from './copy.js';
import { currentKey } from './key.js';
import { curl } from './curl.js';
import { explained, request } from './server.js';
import { follow } from './follow.js';
import { recalled } from './submitted.js';
import { resultFigure } from './result.js';
import { taskProgress } from './progress.js';

/** The page: `shown` and `leave()`. */
export async function taskPage(id) {
    const leaving = new AbortController();
    const objects = [];
    const sent = recalled(id);
    const progress = taskProgress(sent, sent !== null && !sent.wasSeen);
    if (sent) sent.wasSeen = true;
    const notes = element('div');
    const actions = element('div', { class: 'actions' });
    const about = element('div');
    const pictures = element('div', { class: 'pictures' });
    const shown = element('div', { class: 'task' },
        element('h1', { tabindex: '-1' }, 'Task ', element('span', { class: 'id' }, shortId(id))),
        progress.shown, notes, actions, pictures, about);
    let over = false;

    function update(task) {
        progress.update(task);
        about.replaceChildren(facts([
            ['Operations', task.operations.join(', ')],
            ['Id', element('code', {}, task.id)],
        ]));
        if (task.state === 'pending') {
            if (!actions.hasChildNodes()) actions.append(cancelButton());
            return;
        }
        if (over) return;
        over = true;
        const hadFocus = actions.contains(document.activeElement);
        actions.replaceChildren(...[
            element('a', { class: 'button', href: '#/' }, sent ? 'Change and submit again' : 'New task'),
            sent ? copyButton('Copy as curl', () => curl(sent.picture, sent.message, currentKey() !== null)) : null,
            deleteButton(),
        ].filter(Boolean));
        if (hadFocus) actions.firstChild.focus();
        if (task.state === 'FAILED') notes.replaceChildren(failure(task));
        if (task.state === 'OK') showResults(task);
    }
    function showResults(task) {
        const before = task.results.length > 1 ? null : sent?.picture ?? null;
        pictures.classList.toggle('several', task.results.length > 1);
        task.results.forEach((result, index) => {
            pictures.append(resultFigure(task, index + 1, result, { before, objects, signal: leaving.signal }));
        });
    }
    function beforeFigure(picture) {
        const url = URL.createObjectURL(picture);
        objects.push(url);
        const seen = element('span', {}, [picture.type ? format(picture.type) : null, bytes(picture.size)].filter(Boolean).join(' · '));
        const image = element('img', { src: url, alt: 'Before', load: () => {
            seen.textContent = `${image.naturalWidth} × ${image.naturalHeight} · ${seen.textContent}`;
        }, error: () => image.replaceWith(element('p', { class: 'hint' }, 'This browser cannot show it.')) });
        return element('figure', { class: 'plate' }, element('div', { class: 'picture' }, image),
            element('figcaption', {}, element('span', {}, element('strong', {}, 'Before'), ' ', seen)));
    }
    function cancelButton() {
        return element('button', { type: 'button', click: () => end(() => announce('Cancelling.')) }, 'Cancel');
    }
    function deleteButton() {
        return element('button', { type: 'button', class: 'quiet', click: () => end(() => { location.hash = '#/tasks'; }) }, 'Delete');
    }
    async function end(then) {
        try {
            await request(`images/task/${id}`, { method: 'DELETE' });
            then();
        } catch (error) {
            say(error);
        }
    }
    function say(error) {
        const { title, detail } = explained(error);
        notes.replaceChildren(alert(title, detail));
    }
    function lost(isLost) {
        notes.replaceChildren(...(isLost ? [element('p', { class: 'hint', role: 'status' }, 'The server cannot be reached. Trying again…')] : []));
    }
    if (sent) pictures.append(beforeFigure(sent.picture));
    follow(id, update, lost, leaving.signal).catch((error) => {
        progress.shown.hidden = true;
        actions.replaceChildren();
        say(error);
    });
    return {
        title: `Task ${shortId(id)}`,
        shown,
        leave: () => {
            leaving.abort();
            objects.forEach((url) => URL.revokeObjectURL(url));
        },
    };
}

function failure(task) {
    if (task.code === 'cancelled') return alert('Cancelled', task.detail);
    return alert('The task failed', task.detail, element('p', { class: 'hint' }, 'Code: ', element('code', {}, task.code)));
}
