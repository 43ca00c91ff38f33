// Copies a text, in pages without a certificate too.

import { announce } from './announce.js';
import { element } from './element.js';

/** A button that copies what `text()` gives. */
export function copyButton(label, text) {
    const button = element('button', { type: 'button', click: async () => {
        const done = await copy(text());
        button.textContent = done ? 'Copied' : 'Not copied: select it by hand';
        announce(button.textContent);
        setTimeout(() => { button.textContent = label; }, 2000);
    } }, label);
    return button;
}

async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        // The clipboard is for https and localhost alone; the older way still works elsewhere.
        const place = element('textarea', { class: 'unseen', 'aria-hidden': 'true', tabindex: '-1' });
        place.value = text;
        const focused = document.activeElement;
        document.body.append(place);
        place.select();
        const done = document.execCommand('copy');
        place.remove();
        focused?.focus();
        return done;
    }
}
