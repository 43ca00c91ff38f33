// Which page is shown, by the part of the address after #.

import { alert, element } from './element.js';
import { announce } from './announce.js';
import { explained } from './server.js';
import { newPage } from './new_page.js';
import { offerKey } from './key.js';
import { pluginPage } from './plugin_page.js';
import { pluginsPage } from './plugins_page.js';
import { taskPage } from './task_page.js';
import { tasksPage } from './tasks_page.js';

const ROUTES = [
    [/^#?\/?$/, newPage],
    [/^#\/tasks$/, tasksPage],
    [/^#\/task\/([0-9a-f-]{36})$/, taskPage],
    [/^#\/plugins$/, pluginsPage],
    [/^#\/plugin\/([a-z][a-z0-9-]{0,63})$/, pluginPage],
];

const main = document.getElementById('main');
let leave = () => {};
/** Pages that arrive late must not replace what was asked for after them. */
let turn = 0;

async function show(isFirst) {
    turn += 1;
    const mine = turn;
    leave();
    leave = () => {};
    const page = await load(location.hash);
    if (mine !== turn) {
        page.leave();
        return;
    }
    leave = page.leave;
    main.replaceChildren(page.shown);
    document.title = `${page.title} · Tintype`;
    for (const link of document.querySelectorAll('nav a')) {
        if (isAt(link.hash)) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
    }
    if (isFirst) return;
    // A new page begins at its top, for eyes and for readers.
    scrollTo(0, 0);
    main.querySelector('h1')?.focus({ preventScroll: true });
}

async function load(hash) {
    const [route, arguments_] = ROUTES.map(([pattern, page]) => [page, pattern.exec(hash)]).find(([, found]) => found) ?? [];
    if (!route) return problemPage('There is no such page', 'The menu above leads to those that there are.');
    try {
        return await route(...arguments_.slice(1));
    } catch (error) {
        const { title, detail } = explained(error);
        return problemPage(title, detail, element('div', { class: 'actions' },
            element('button', { type: 'button', click: () => show(false) }, 'Try again')));
    }
}

function problemPage(title, detail, ...more) {
    announce(title);
    return { title, shown: element('div', {}, element('h1', { tabindex: '-1' }, title), alert(detail, null, ...more)), leave: () => {} };
}

/** Whether a link leads to this page or to the list that it belongs to. */
function isAt(link) {
    if (link === '#/') return /^#?\/?$/.test(location.hash);
    return location.hash === link || location.hash.startsWith(`${link.replace(/s$/, '')}/`);
}

// The way to the content is no page.
document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
});
addEventListener('hashchange', () => show(false));
offerKey();
show(true);
