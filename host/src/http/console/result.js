// One result of a task: seen, measured, downloaded.

import { element } from './element.js';
import { request, explained } from './server.js';
import { bytes, extension, format, shortId } from './words.js';

/** Longest text that is shown whole. */
const LONGEST_TEXT = 256 * 1024;
/** A larger picture is fetched when somebody asks for it. */
const LARGEST = 64 * 1024 * 1024;

/** The path of a task's result, from 1. The address in an answer may be that of another side of a proxy. */
export function resultPath(id, number) {
    return number === 1 ? `images/${id}` : `images/${id}/${number}`;
}

/** A result's figure. `objects` is told each object URL, to be revoked when the page is left. */
export function resultFigure(task, number, about, { before, objects, signal }) {
    const name = task.results.length > 1 ? `Result ${number}` : 'Result';
    const place = element('div', { class: 'picture' }, element('p', { class: 'hint' }, 'Fetching…'));
    const facts = element('span', {}, [format(about.type), bytes(about.size)].join(' · '));
    const download = element('a', { class: 'button', hidden: true, download: fileName(task.id, number, about) }, 'Download');
    const figure = element('figure', { class: 'plate' }, place,
        element('figcaption', {}, element('span', {}, element('strong', {}, name), ' ', facts, saved(before, about)), download));

    async function fetchIt() {
        try {
            const response = await request(resultPath(task.id, number), { signal });
            const blob = await response.blob();
            const url = URL.createObjectURL(blob);
            objects.push(url);
            download.href = url;
            download.hidden = false;
            await show(blob, url);
        } catch (error) {
            if (!signal.aborted) place.replaceChildren(element('p', { class: 'wrong' }, explained(error).detail));
        }
    }
    async function show(blob, url) {
        if (isText(about.type)) {
            const text = await blob.slice(0, LONGEST_TEXT).text();
            place.replaceChildren(element('pre', { tabindex: '0', 'aria-label': name }, pretty(text, about.type)));
            return;
        }
        if (!about.type.startsWith('image/')) {
            place.replaceChildren(element('p', { class: 'hint' }, `${about.type} is no picture that can be shown.`));
            return;
        }
        const image = element('img', { alt: name, load: () => {
            facts.textContent = [`${image.naturalWidth} × ${image.naturalHeight}`, format(about.type), bytes(about.size)].join(' · ');
        }, error: () => {
            place.replaceChildren(element('p', { class: 'hint' }, `This browser cannot show ${format(about.type)}.`));
        } });
        image.src = url;
        place.replaceChildren(image);
    }
    if (about.size <= LARGEST) fetchIt();
    else {
        place.replaceChildren(element('button', { type: 'button', click: fetchIt }, `Fetch ${bytes(about.size)}`));
    }
    return figure;
}

function isText(type) {
    return type === 'application/json' || type.startsWith('text/');
}

function pretty(text, type) {
    if (type !== 'application/json') return text;
    try {
        return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
        return text;
    }
}

/** How much smaller or larger a picture has become. */
function saved(before, about) {
    if (!before || before.size === 0 || !about.type.startsWith('image/')) return null;
    const change = Math.round((about.size / before.size - 1) * 100);
    if (change === 0 || change > 999) return null;
    return element('span', { class: 'change' }, change < 0 ? ` ${-change} % smaller` : ` ${change} % larger`);
}

function fileName(id, number, about) {
    return `tintype-${shortId(id)}${number > 1 ? `-${number}` : ''}.${extension(about.type)}`;
}
