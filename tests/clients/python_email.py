"""Python's own library: the message is written by `email`, as any MIME library would, with the image
in base64, and sent by `urllib`."""

import sys
import time
import urllib.request
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.policy import SMTP

import picture

URL = sys.argv[1]
TASK = b'<task><operation name="resize"><param name="width">16</param></operation></task>'


def send(content_type, body):
    request = urllib.request.Request(f"{URL}/images/tasks", data=body, headers={"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 202
        location = answer.headers["Location"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        # urllib follows the 303 by itself.
        with urllib.request.urlopen(location, timeout=60) as answer:
            if answer.headers.get_content_maintype() == "image":
                picture.check(answer.read(), 16, 12)
                return
            assert b"<state>pending</state>" in answer.read()
        time.sleep(0.1)
    raise AssertionError("the task is still pending")


def split(message):
    """Header and body as HTTP has them: the message's own headers become the request's."""
    _, _, body = message.as_bytes(policy=SMTP).partition(b"\r\n\r\n")
    return " ".join(str(message["Content-Type"]).split()), body


related = MIMEMultipart("related", type="application/xml", start="<task@client>")
task = MIMEApplication(TASK, "xml", name="task.xml")
task["Content-ID"] = "<task@client>"
related.attach(task)
image = MIMEImage(picture.make(), "png", name="picture.png")
image["Content-ID"] = "<image@client>"
assert image["Content-Transfer-Encoding"] == "base64"
related.attach(image)
related.as_bytes(policy=SMTP)  # only now a boundary is chosen
send(*split(related))

modern = EmailMessage(policy=SMTP)
modern.set_content(TASK.decode(), subtype="xml", charset="utf-8", cte="quoted-printable")
modern.add_related(picture.make(), maintype="image", subtype="png", cid="<image@client>")
modern.as_bytes()
send(*split(modern))
