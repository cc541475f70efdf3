"""Who asks: the key of the role that a run is of, or a user who is signed in, or the service key."""

import itertools
import json
import os
import urllib.request

import schemathesis

KEY = os.environ["CONTRACT_KEY"]
SERVICE_KEY = os.environ["CONTRACT_SERVICE_KEY"]
SERVER = os.environ["CONTRACT_SERVER"]
PASSWORD = "correct horse battery staple"
numbers = itertools.count(1)


def sign_up():
    """A streamer of their own for whoever signs out, or changes a password, so that nobody else is signed out."""
    body = {
        "email": f"streamer-{os.getpid()}-{next(numbers)}@example.com",
        "password": PASSWORD,
        "name": "Nova",
        "type": "streamer",
        "category": "gaming",
        "language": "en",
        "country": "IN",
    }
    request = urllib.request.Request(
        f"{SERVER}/api/auth/sign-up",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["access_token"]


def is_for_users(operation):
    """No scope opens it: it needs a user. The document says so with a list of scopes that is empty."""
    return operation.definition.raw.get("security") == [{"bearer": []}]


def who(case, context):
    """Users have a token for each operation, since some operations end sessions; keys are good for all."""
    return context.operation.label if is_for_users(context.operation) else "key"


@schemathesis.auth(refresh_interval=300, cache_by_key=who, retry_on=[401])
class Bearer:
    def get(self, case, context):
        if context.operation.path == "/users/oauth":
            return SERVICE_KEY
        return sign_up() if is_for_users(context.operation) else KEY

    def set(self, case, token, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {token}"
