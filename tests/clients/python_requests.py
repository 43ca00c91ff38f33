"""Python's requests, with the streaming encoder that its documentation recommends for uploads."""

import os
import sys
import time

import requests
from requests_toolbelt.multipart.encoder import MultipartEncoder
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

import picture

URL = sys.argv[1]
TASK = '{"operations": [{"name": "resize", "params": {"width": 16}}]}'


def fetch(submitted):
    assert submitted.status_code == 202, submitted.text
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = requests.get(submitted.headers["Location"], timeout=60)
        assert answer.status_code == 200, answer.text
        if answer.headers["Content-Type"].startswith("image/"):
            picture.check(answer.content, 16, 12)
            return
        assert "<state>pending</state>" in answer.text, answer.text
        time.sleep(0.1)
    raise AssertionError("the task is still pending")


def a_form_by_files():
    form = {"task": (None, TASK, "application/json"), "image": ("picture.png", picture.make(), "image/png")}
    return requests.post(f"{URL}/images/tasks", files=form, timeout=60)


def a_form_by_data_and_files():
    form = {"image": ("picture.png", picture.make())}
    return requests.post(f"{URL}/images/tasks", data={"task": TASK}, files=form, timeout=60)


def a_streamed_form():
    with open(os.environ["PICTURE"], "rb") as file:
        encoder = MultipartEncoder(
            {"task": ("task.json", TASK, "application/json"), "image": ("bild ü.png", file, "image/png")}
        )
        headers = {"Content-Type": encoder.content_type}
        return requests.post(f"{URL}/images/tasks", data=encoder, headers=headers, timeout=60)


def multipart_related():
    """What the issue trackers recommend: urllib3's encoder, and another Content-Type."""
    parts = []
    for name, kind, data in [
        ("task", "application/json", TASK),
        ("image", "image/png", picture.make()),
    ]:
        part = RequestField(name=name, data=data, headers={"Content-Type": kind, "Content-ID": f"<{name}@client>"})
        parts.append(part)
    body, content_type = encode_multipart_formdata(parts)
    boundary = content_type.partition("boundary=")[2]
    kind = f'multipart/related; type="application/json"; start="<task@client>"; boundary="{boundary}"'
    return requests.post(f"{URL}/images/tasks", data=body, headers={"Content-Type": kind}, timeout=60)


def a_chunked_image():
    def pieces():
        image = picture.make()
        for start in range(0, len(image), 100):
            yield image[start : start + 100]

    return requests.post(
        f"{URL}/images/tasks",
        params={"operation": "resize", "width": 16},
        data=pieces(),
        headers={"Content-Type": "image/png"},
        timeout=60,
    )


for way in [a_form_by_files, a_form_by_data_and_files, a_streamed_form, multipart_related, a_chunked_image]:
    try:
        fetch(way())
    except BaseException:
        print(f"{way.__name__}:", file=sys.stderr)
        raise
