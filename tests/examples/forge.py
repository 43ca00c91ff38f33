"""Sends the example's receiver what it must refuse, and what it must take once.

python3 forge.py URL FILE       FILE is where the receiver prints what it believes
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request

url, file = sys.argv[1:]
secret = base64.b64decode(os.environ["TINTYPE_CALLBACK_SECRET"][len("whsec_"):])


def signature(identity, timestamp, body, key=secret):
    mac = hmac.new(key, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def post(identity, timestamp, body, signed):
    headers = {"webhook-id": identity, "webhook-timestamp": str(timestamp), "webhook-signature": signed}
    headers = {name: value for name, value in headers.items() if value is not None}
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def status(identity):
    return json.dumps({"id": identity, "state": "OK", "results": [{"href": "http://127.0.0.1/images/x"}]}).encode()


def printed(identity):
    with open(file, encoding="utf-8") as lines:
        return sum(identity in line for line in lines)


now = int(time.time())
body = status("forged")
refused = {
    "nothing is signed": post("forged", now, body, None),
    "another secret": post("forged", now, body, signature("forged", now, body, b"another" * 5)),
    "another body": post("forged", now, status("forged") + b" ", signature("forged", now, body)),
    "another id": post("forged-2", now, body, signature("forged", now, body)),
    "another time": post("forged", now + 1, body, signature("forged", now, body)),
    "signed ten minutes ago": post("forged", now - 600, body, signature("forged", now - 600, body)),
    "signed in ten minutes": post("forged", now + 600, body, signature("forged", now + 600, body)),
    "no time": post("forged", "soon", body, signature("forged", "soon", body)),
    "no base64": post("forged", now, body, "v1,%%%"),
    "another version": post("forged", now, body, signature("forged", now, body).replace("v1,", "v2,")),
}
wrong = {what: code for what, code in refused.items() if code != 401}
assert not wrong, wrong
assert printed("forged") == 0

body = status("believed")
both = signature("believed", now, body, b"the new secret" * 3) + " " + signature("believed", now, body)
assert [post("believed", now, body, both) for _ in range(2)] == [204, 204]
assert printed("believed") == 1, "an announcement that comes twice counts once"
