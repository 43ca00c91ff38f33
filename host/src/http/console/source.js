// The picture to start from: chosen, dropped or pasted.

import { element } from './element.js';
import { announce } from './announce.js';
import { bytes, format } from './words.js';

/** `shown`, an element; `picture()`, the file or null. */
export function sourcePicture(changed) {
    let picture = null;
    let preview = null;
    const input = element('input', { id: 'source', type: 'file', accept: 'image/*,.qoi', change: () => {
        if (input.files.length > 0) take(input.files[0]);
    } });
    const invitation = element('span', {}, element('strong', {}, 'Choose a picture'), ', drop it here, or paste it');
    const label = element('label', { for: 'source', class: 'drop' }, invitation);
    const image = element('img', { alt: '', hidden: true, load: () => say(`${image.naturalWidth} × ${image.naturalHeight}`), error: () => { image.hidden = true; } });
    const caption = element('figcaption');
    const figure = element('figure', { class: 'plate', hidden: true }, image, caption);
    const wrong = element('p', { id: 'source-wrong', class: 'wrong', hidden: true });
    const shown = element('div', { class: 'source' }, input, label, figure, wrong);

    function say(dimensions) {
        const type = picture.type ? format(picture.type) : 'unknown type';
        caption.replaceChildren(element('span', {}, element('strong', {}, picture.name), ` ${[dimensions, type, bytes(picture.size)].filter(Boolean).join(' · ')}`));
    }
    function take(file) {
        picture = file;
        if (preview) URL.revokeObjectURL(preview);
        preview = URL.createObjectURL(file);
        image.hidden = false;
        image.src = preview;
        figure.hidden = false;
        shown.classList.add('taken');
        invitation.replaceChildren(element('strong', {}, 'Another picture'));
        say(null);
        mark(null);
        announce(`${file.name}, ${bytes(file.size)}, is the picture.`);
        changed();
    }
    function mark(text) {
        wrong.hidden = text === null;
        wrong.textContent = text ?? '';
        if (text === null) input.removeAttribute('aria-invalid');
        else input.setAttribute('aria-invalid', 'true');
        if (text === null) input.removeAttribute('aria-describedby');
        else input.setAttribute('aria-describedby', 'source-wrong');
    }
    /** From a drop or from the clipboard; a text or a link is none. */
    function fromTransfer(transfer) {
        const file = [...transfer.files][0];
        if (!file) return false;
        take(file);
        return true;
    }
    // Anywhere on the page: a picture that misses the frame must not replace the page.
    function over(event) {
        if (![...event.dataTransfer.types].includes('Files')) return;
        event.preventDefault();
        shown.classList.add('over');
    }
    function drop(event) {
        shown.classList.remove('over');
        if (fromTransfer(event.dataTransfer)) event.preventDefault();
    }
    function leave(event) {
        if (event.relatedTarget === null) shown.classList.remove('over');
    }
    function paste(event) {
        if (event.target instanceof HTMLInputElement && event.target.type === 'text') return;
        if (fromTransfer(event.clipboardData)) event.preventDefault();
    }
    const listeners = { dragover: over, drop, dragleave: leave, paste };
    return {
        shown,
        picture: () => picture,
        mark,
        focus: () => input.focus(),
        listen: () => Object.entries(listeners).forEach(([name, heard]) => document.addEventListener(name, heard)),
        unlisten: () => Object.entries(listeners).forEach(([name, heard]) => document.removeEventListener(name, heard)),
    };
}
