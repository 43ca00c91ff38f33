#!/usr/bin/env python3
"""A client of Tintype with nothing but Python's own library.

    tintype.py PICTURE RESULT TASK      one picture
    tintype.py FOLDER RESULTS TASK      every picture of a folder, four at a time

TASK is a description in JSON. Ends with 0 if there is a result, 3 if the task FAILED, 4 if the server refused
it, 1 otherwise. The server is $TINTYPE_SERVER, the key $TINTYPE_KEY.
"""

import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request
import uuid

SERVER = os.environ.get("TINTYPE_SERVER", "http://127.0.0.1:8080").rstrip("/")
KEY = os.environ.get("TINTYPE_KEY")

# Refusals that pass, and how often one is believed to.
PASSING = {408, 409, 429, 500, 503, 507}
ATTEMPTS = 5


class Failed(Exception):
    """The task was carried out, and FAILED."""


class Refused(Exception):
    """The server did not take the request."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A 303 is an answer that we want to see, and the key goes nowhere by itself."""

    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def _ask(url, body=None, headers=None):
    """The status code, the headers and the body of an answer; what passes is tried again."""
    headers = {"Accept": "application/json", **(headers or {})}
    if KEY:
        headers["Authorization"] = f"Bearer {KEY}"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _opener.open(urllib.request.Request(url, body, headers), timeout=90) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                code, said, text = answer.code, answer.headers, answer.read()
            if code < 400:
                return code, said, text
            if code not in PASSING or attempt == ATTEMPTS:
                raise Refused(_detail(code, text)) from None
            pause = int(said.get("Retry-After") or attempt)
        except (OSError, http.client.HTTPException):
            if attempt == ATTEMPTS:
                raise
            pause = attempt
        time.sleep(pause)
    raise AssertionError("every attempt returns, raises or is followed by another")


def _detail(code, text):
    """The words of a refusal: a problem document, unless something else has answered for the server."""
    try:
        return f"refused with {code}: {json.loads(text)['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"refused with {code}"


def _form(picture, task):
    """The body and the type of a form with a picture and a description."""
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="task"\r\n'
        f"Content-Type: application/json\r\n\r\n{json.dumps(task)}\r\n"
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def submit(picture, task):
    """The address of a new task. Sent with a key of its own, so that trying again makes no second one."""
    body, media_type = _form(picture, task)
    headers = {"Content-Type": media_type, "Idempotency-Key": uuid.uuid4().hex}
    _, said, _ = _ask(f"{SERVER}/images/tasks", body, headers)
    return said["Location"]


def wait(task):
    """The final status of a task that went well, as a dictionary."""
    while True:
        # Held back until the task is over, ten seconds at most.
        _, said, text = _ask(f"{task}?redirect=false", headers={"Prefer": "wait=10"})
        status = json.loads(text)
        if status["state"] == "OK":
            return status
        if status["state"] == "FAILED":
            raise Failed(f"{status['detail']} ({status['code']})")
        time.sleep(int(said.get("Retry-After") or 1))


def fetch(result):
    """The bytes of a result, compared with their digest."""
    _, _, data = _ask(result["href"])
    if hashlib.sha256(data).hexdigest() != result["sha256"]:
        raise OSError(f"{result['href']} came damaged")
    return data


def process(picture, task):
    """The results, as bytes, of a picture, as bytes."""
    return [fetch(result) for result in wait(submit(picture, task))["results"]]


def _one(picture, result, task):
    """From file to file; the exit code. Of several results the first."""
    try:
        data = process(picture.read_bytes(), task)[0]
        # Under another name first, so that what is called RESULT is whole.
        part = result.with_name(result.name + ".part")
        part.write_bytes(data)
        part.replace(result)
        return 0
    except Failed as error:
        code = 3
        print(f"{picture}: {error}", file=sys.stderr)
    except Refused as error:
        code = 4
        print(f"{picture}: {error}", file=sys.stderr)
    except (OSError, http.client.HTTPException) as error:
        code = 1
        print(f"{picture}: {error}", file=sys.stderr)
    return code


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, target, task = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
    if not source.is_dir():
        return _one(source, target, task)
    target.mkdir(parents=True, exist_ok=True)
    pictures = sorted(path for path in source.iterdir() if path.is_file() and not path.name.startswith("."))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda path: _one(path, target / path.name, task), pictures))
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
