"""The servers in front of the services: how functions answer CloudFormation."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local_aws.server import AnswerServer

BODY = b'{"Status": "SUCCESS"}'


@pytest.fixture
def delivered() -> dict[str, bytes]:
    """The answers that came in, by token."""
    return {}


@pytest.fixture
def answers(delivered: dict[str, bytes]) -> Iterator[AnswerServer]:
    """A server that knows one token."""

    def deliver(asked: str, body: bytes) -> int:
        if asked != "known":
            return 403
        delivered[asked] = body
        return 200

    server = AnswerServer(deliver)
    server.start()
    yield server
    server.stop()


def send(server: AnswerServer, url: str, method: str, *, trusting: bool = True) -> int:
    """Send the body, and give the status of the answer."""
    context = ssl.create_default_context()
    if trusting:
        context.load_verify_locations(cadata=server.ca_certificate.decode())
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(
        str(parts.hostname), parts.port, context=context, timeout=10
    )
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body=BODY)
        return connection.getresponse().status
    finally:
        connection.close()


def test_an_answer_is_put_over_https(answers: AnswerServer, delivered: dict[str, bytes]) -> None:
    """Fact 2: one PUT, at the whole URL; any other method is refused, and delivers nothing."""
    url = answers.url_for("known")
    assert url.startswith("https://")
    for method in ("POST", "GET", "DELETE"):
        assert send(answers, url, method) == 405
    assert delivered == {}
    assert send(answers, url, "PUT") == 200
    assert delivered == {"known": BODY}


def test_a_url_that_nobody_gave_is_refused(answers: AnswerServer) -> None:
    """The token is what lets a function answer."""
    assert send(answers, answers.url_for("invented"), "PUT") == 403
    assert send(answers, answers.url_for("known").replace("response", "other"), "PUT") == 404


def test_its_certificate_has_to_be_trusted(answers: AnswerServer) -> None:
    """A function that was not given the authority cannot answer, as with a proxy in between."""
    with pytest.raises(ssl.SSLCertVerificationError):
        send(answers, answers.url_for("known"), "PUT", trusting=False)
