#!/usr/bin/env python3
"""Waits for Tintype's callbacks, and believes only what is signed.

    callback_receiver.py PORT           0 takes any port that is free, and says which

The secret is $TINTYPE_CALLBACK_SECRET, as the server has it: whsec_…, several with a comma between while one is
being changed for another. Each announcement is printed once, as a line: the task's state, its id, its results.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

# Seconds by which a signature may be off: clocks differ, and what was overheard must not be repeated for long.
TOLERANCE = 300
# A status is some hundred bytes, a few KiB with many results; nobody may fill our memory.
LARGEST = 1 << 20


def keys(secrets):
    """The keys that secrets such as whsec_… stand for."""
    found = []
    for secret in secrets.replace(",", " ").split():
        if not secret.startswith("whsec_"):
            raise ValueError("a secret begins with whsec_")
        text = secret[len("whsec_"):]
        found.append(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    if not found:
        raise ValueError("there is no secret")
    return found


def is_signed(keys, headers, body, now):
    """Whether one of our keys has signed this body, not long ago (Standard Webhooks 1.0.0)."""
    identity, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp)) <= TOLERANCE):
        return False
    signed = f"{identity}.{timestamp}.".encode() + body
    wanted = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    offered = [
        signature[len("v1,"):].encode()
        for signature in headers.get("webhook-signature", "").split(" ")
        if signature.startswith("v1,")
    ]
    # In constant time: how much of a wrong one was right must not show.
    return any(hmac.compare_digest(a, b) for a in wanted for b in offered)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers fast: what takes longer than a moment belongs elsewhere."""

    keys = []
    # Tasks that were announced. Where it matters, keep it in a database, beside what you do with them.
    seen = set()
    timeout = 20

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST:
            return self.answer(413)
        body = self.rfile.read(int(length))
        # Before anything else is believed, the size of the body included.
        if not is_signed(self.keys, self.headers, body, time.time()):
            return self.answer(401)
        identity = self.headers["webhook-id"]
        if identity not in self.seen:
            status = json.loads(body)
            results = " ".join(result["href"] for result in status.get("results", []))
            print(status["state"], status["id"], results or status.get("code", ""), flush=True)
            # After the work: had it failed, the server would try again.
            self.seen.add(identity)
        return self.answer(204)

    def answer(self, code):
        self.send_response(code)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def log_message(self, *_):
        """Nothing: what matters is printed."""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        Receiver.keys = keys(os.environ.get("TINTYPE_CALLBACK_SECRET", ""))
    except ValueError as error:
        sys.exit(f"TINTYPE_CALLBACK_SECRET: {error}")
    with http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver) as server:
        print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
