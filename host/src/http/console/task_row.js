// One task in the list.

import { element } from './element.js';
import { age, bytes, counted, phase, shortId } from './words.js';

/** A row: `shown` and `update(task)`. `end(task)` cancels. */
export function taskRow(task, thumbnails, end) {
    const thumbnail = element('span', {}, thumbnails.of(task));
    const state = element('span', { class: 'state' });
    const about = element('span', { class: 'hint' });
    const time = element('time', { datetime: task.submitted, title: new Date(task.submitted).toLocaleString() });
    const cancel = element('button', {
        type: 'button', class: 'quiet', 'aria-label': `Cancel task ${shortId(task.id)}`, click: () => end(task),
    }, 'Cancel');
    const link = element('a', { href: `#/task/${task.id}` }, task.operations.join(', '));
    const shown = element('li', { class: 'card row' }, thumbnail,
        element('div', { class: 'what' }, link, about),
        element('div', { class: 'how' }, state, time), cancel);
    let last = null;

    function update(now) {
        const changed = last !== null && last !== now.phase;
        if (changed && now.results) thumbnail.replaceChildren(thumbnails.of(now));
        last = now.phase;
        state.textContent = now.progress !== undefined && now.state === 'pending'
            ? `${phase(now)} ${Math.floor(now.progress * 100)} %` : phase(now);
        state.dataset.phase = now.phase;
        time.textContent = age(now.submitted);
        about.textContent = said(now);
        const hadFocus = document.activeElement === cancel;
        cancel.hidden = now.state !== 'pending';
        if (hadFocus && cancel.hidden) link.focus();
    }
    update(task);
    return { shown, update };
}

function said(task) {
    if (task.state === 'FAILED') return task.detail;
    if (!task.results) return `Task ${shortId(task.id)}`;
    const size = bytes(task.results.reduce((sum, result) => sum + result.size, 0));
    return task.results.length === 1 ? size : `${counted(task.results.length, 'result')}, ${size}`;
}
