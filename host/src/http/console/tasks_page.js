// The caller's tasks, newest first, as the server has them.

import { alert, element } from './element.js';
import { announce } from './announce.js';
import { explained, request, requestJson } from './server.js';
import { shortId } from './words.js';
import { taskRow } from './task_row.js';
import { thumbnails } from './thumbnail.js';

const PAGE = 20;
/** The most that one answer has. */
const LONGEST = 100;
/** Between two looks, while something is under way and while nothing is. */
const BUSY = 1500;
const IDLE = 10_000;

/** What the server filters by, and how it is called. */
const FILTERS = [['', 'All'], ['pending', 'Under way'], ['OK', 'Done'], ['FAILED', 'Failed']];

/** The page: `shown` and `leave()`. */
export async function tasksPage() {
    const leaving = new AbortController();
    const small = thumbnails();
    const rows = new Map();
    const list = element('ul', { class: 'rows', 'aria-label': 'Tasks' });
    const notes = element('div');
    const filter = element('select', { id: 'state', change: () => {
        list.replaceChildren();
        rows.clear();
        look();
    } }, FILTERS.map(([value, label]) => element('option', { value }, label)));
    const more = element('button', { type: 'button', hidden: true, click: older }, 'Older tasks');
    const shown = element('div', {},
        element('div', { class: 'head' }, element('h1', { tabindex: '-1' }, 'Tasks'),
            element('div', { class: 'filter' }, element('label', { for: 'state' }, 'Show'), filter)),
        notes, list, element('div', { class: 'actions' }, more));
    let timer = null;
    let next = null;
    /** Answers may overtake each other: only the last question's counts. */
    let asked = 0;

    function path(limit, after) {
        const query = new URLSearchParams({ limit });
        if (filter.value) query.set('state', filter.value);
        if (after) query.set('after', after);
        return `images/tasks?${query}`;
    }
    /** The row of a task, updated or made. */
    function row(task) {
        if (rows.has(task.id)) rows.get(task.id).update(task);
        else rows.set(task.id, taskRow(task, small, cancel));
        return rows.get(task.id).shown;
    }
    function remember(page) {
        next = page.next ? new URL(page.next).searchParams.get('after') : null;
        more.hidden = next === null;
    }
    async function look(quiet = false) {
        clearTimeout(timer);
        asked += 1;
        const question = asked;
        const limit = Math.min(LONGEST, Math.max(PAGE, rows.size));
        let busy = false;
        try {
            const page = await requestJson(path(limit), { quiet, signal: leaving.signal });
            if (question !== asked) return;
            const now = page.tasks.map(row);
            const kept = rows.size > LONGEST ? [...list.children].filter((old) => !now.includes(old)) : [];
            arrange([...now, ...kept]);
            if (kept.length === 0) remember(page);
            forget();
            notes.replaceChildren(...(page.tasks.length > 0 ? [] : [nothing()]));
            busy = page.tasks.some((task) => task.state === 'pending');
        } catch (error) {
            if (leaving.signal.aborted || question !== asked) return;
            say(error);
        }
        timer = setTimeout(() => look(true), document.hidden || !busy ? IDLE : BUSY);
    }
    /** Puts rows in this order, and touches none that is in its place: the focus stays where it is. */
    function arrange(wanted) {
        wanted.forEach((one, index) => {
            if (list.children[index] !== one) list.insertBefore(one, list.children[index] ?? null);
        });
        while (list.children.length > wanted.length) list.lastChild.remove();
    }
    function forget() {
        for (const [id, { shown: one }] of rows) {
            if (!one.isConnected && list.isConnected) rows.delete(id);
        }
    }
    async function older() {
        try {
            const page = await requestJson(path(PAGE, next), { signal: leaving.signal });
            const found = page.tasks.map(row);
            list.append(...found);
            remember(page);
            announce(`${found.length} older tasks.`);
            found[0]?.querySelector('a').focus();
        } catch (error) {
            if (!leaving.signal.aborted) say(error);
        }
    }
    async function cancel(task) {
        try {
            await request(`images/task/${task.id}`, { method: 'DELETE' });
            announce(`Task ${shortId(task.id)} cancelled.`);
        } catch (error) {
            say(error);
        }
        look();
    }
    function say(error) {
        const { title, detail } = explained(error);
        notes.replaceChildren(alert(title, detail));
    }
    function nothing() {
        const words = filter.value === '' ? 'There are no tasks yet.' : 'There are no such tasks.';
        return element('p', { class: 'hint' }, `${words} `, element('a', { href: '#/' }, 'Submit one'), '.');
    }
    look();
    return {
        title: 'Tasks',
        shown,
        leave: () => {
            clearTimeout(timer);
            leaving.abort();
            small.leave();
        },
    };
}
