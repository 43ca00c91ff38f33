// Starts the real server for a test, with a data folder and a port of its own.

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const target = new URL('../../target/', import.meta.url).pathname;
const binary = join(target, 'release/tintype');
// Settings of the shell that the tests run in are not the server's.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TINTYPE_')));

/** A server with the bundled plugins and the one that misbehaves on command; `key` of it where one is wanted. */
export async function serve({ flags = [], withKey = false } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'tintype-console-'));
    const plugins = join(folder, 'plugins');
    mkdirSync(plugins);
    cpSync(join(target, 'plugins'), plugins, { recursive: true });
    cpSync(join(target, 'guests/hostile.wasm'), join(plugins, 'hostile.wasm'));
    const data = ['--data-dir', join(folder, 'data')];
    const key = withKey ? keyOf(execFileSync(binary, ['key', 'new', 'console', ...data], { cwd: folder, env, encoding: 'utf8' })) : null;
    const child = spawn(binary, [
        'serve', '--listen', '127.0.0.1:0', ...data, '--plugins-dir', plugins, '--compiled-dir', join(target, 'compiled-for-tests'),
        '--log', 'info', '--log-format', 'json', ...flags,
    ], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
    const url = `http://${await address(child)}`;
    return {
        url,
        key,
        plugins,
        stop: () => new Promise((resolve) => {
            child.once('exit', () => {
                rmSync(folder, { recursive: true, force: true });
                resolve();
            });
            child.kill('SIGKILL');
        }),
    };
}

/** The key is printed once, alone on its line or at the end of one. */
function keyOf(output) {
    const found = /\S{30,}/.exec(output);
    if (!found) throw new Error(`there is no key in ${output}`);
    return found[0];
}

/** With port 0 the system chooses; the server says what it got. */
function address(child) {
    return new Promise((resolve, reject) => {
        const log = [];
        createInterface({ input: child.stderr }).on('line', (line) => {
            log.push(line);
            const [found] = /127\.0\.0\.1:[1-9]\d*/.exec(line) ?? [];
            if (found) resolve(found);
        });
        child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${log.join('\n')}`)));
    });
}
