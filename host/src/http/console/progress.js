// How far a task is: in words, as a bar, and with how long it took.

import { element, facts } from './element.js';
import { announce } from './announce.js';
import { age, duration, phase } from './words.js';

/** Shares of the work after which a listener is told: not each of hundreds of steps. */
const TOLD = 25;

/**
 * `shown`, and `update(task)`. `sent` is what this page remembers of sending it, if it did; `isWatched` whether it
 * has been looked at since then.
 */
export function taskProgress(sent, isWatched) {
    const state = element('span', { class: 'state' });
    const bar = element('progress', { max: '1', 'aria-label': 'Progress' });
    const share = element('span', { class: 'share' });
    const times = element('div');
    const shown = element('div', { class: 'progress' }, element('p', { class: 'line' }, state, share), bar, times);
    const at = { queued: false, running: null, over: null };
    let told = '';

    function update(task) {
        const now = performance.now();
        const pending = task.state === 'pending';
        if (task.phase === 'queued') at.queued = true;
        if (task.phase === 'running') at.running ??= now;
        if (!pending) at.over ??= now;
        state.textContent = phase(task);
        state.dataset.phase = task.phase;
        bar.hidden = !pending;
        const percent = task.progress === undefined ? null : Math.floor(task.progress * 100);
        if (percent === null || !pending) bar.removeAttribute('value');
        else bar.value = task.progress;
        share.textContent = pending && percent !== null ? `${percent} %` : '';
        const step = pending && percent !== null ? Math.floor(percent / TOLD) * TOLD : null;
        const words = step ? `${phase(task)}, ${step} %.` : `${phase(task)}.`;
        if (words !== told) announce(words);
        told = words;
        times.replaceChildren(facts([['Submitted', when(task.submitted)], ...measured(task)], 'facts row'));
    }

    /**
     * The server's times are whole seconds. What was seen here is finer, and has the network in it; of what
     * nobody looked at nothing finer is known.
     */
    function measured(task) {
        if (at.over === null) return [];
        const began = at.running !== null && (isWatched || at.queued);
        const took = Date.parse(task.completed) - Date.parse(task.submitted);
        return [
            ['Sent in', sent ? duration(sent.accepted - sent.began) : null],
            ['Queued', isWatched && at.running !== null ? duration(at.running - sent.accepted) : null],
            ['Ran', began ? duration(at.over - at.running) : null],
            // It was over before it was seen to begin.
            ['Took', began ? null : isWatched ? duration(at.over - sent.accepted) : took === 0 ? 'less than 1 s' : `about ${duration(took)}`],
        ];
    }
    return { shown, update };
}

function when(moment) {
    return element('time', { datetime: moment, title: new Date(moment).toLocaleString() }, age(moment));
}
