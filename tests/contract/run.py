"""Holds the server to its own contract, once for each role: operators, two brands, two streamers, and users.

Each role has a server of its own, in demo mode, so that what one of them ends is still there for the others. What it
prints last is how many requests were made, of how many operations, and what was found.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import jsonschema_rs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SERVICE_KEY = "gt_demo_service_key"
PASSWORD = "correct horse battery staple"
START_S_MAX = 30
# All checks and phases; two at once keep two cores busy.
ROLES = ("operator", "brand", "streamer", "user")

# No provider is asked anything: a sign-in begins with an address to go to, and ends without a code.
PROVIDER = (
    '{ client_id = "contract", client_secret = "contract", authorize_url = "http://127.0.0.1:9/authorize",'
    ' token_url = "http://127.0.0.1:9/token"%s }'
)
SETTINGS = {
    "LOG__FORMAT": "json",
    "AUTH__PROVIDERS": "{ twitch = %s, google = %s }" % (
        PROVIDER % ', user_url = "http://127.0.0.1:9/users"',
        PROVIDER % ', keys_url = "http://127.0.0.1:9/keys", issuer = "http://127.0.0.1:9"',
    ),
    # All requests are of one address, and of one key of each role.
    "AUTH__ATTEMPTS_PER_ADDRESS": "1000000",
    "AUTH__ATTEMPTS_PER_ACCOUNT": "1000000",
    "LIMITS__KEY_PER_MINUTE": "0",
    "LIMITS__USER_PER_MINUTE": "0",
    "LIMITS__ADDRESS_PER_MINUTE": "0",
    "LIMITS__WRITE_PER_MINUTE": "0",
}


# Examples that can not succeed, with what they are answered and why: no document knows codes and tokens that are good.
NOT_NOW = {
    "post_auth_exchange": ([401], "a code of nobody"),
    "post_auth_refresh": ([401], "a token of nobody"),
    "post_auth_validate": ([401], "a token of nobody"),
    "post_services_auth_refresh": ([401], "a token of nobody"),
    "post_services_auth_validate": ([401], "a token of nobody"),
    "post_services_users_oauth": ([404], "an account of nobody"),
    "get_auth_by_provider_callback": ([401], "it did not begin in this browser"),
    "post_auth_two_factor_confirm": ([409], "a second factor is confirmed with a code that changes twice a minute"),
    "post_auth_two_factor_disable": ([409], "as above"),
    "post_auth_two_factor_recovery_codes": ([409], "as above"),
    "post_admin_campaigns_by_id_approve": ([409], "a demo does not review campaigns"),
    "post_admin_campaigns_by_id_reject": ([409], "as above"),
    "post_campaigns_by_id_withdraw_submission": ([409], "as above"),
}


DRAFT = {
    "draft": True, "name": "Later", "category": "energy_drink", "landing_url": "https://voltade.example.com/",
    "pricing": {"type": "flat", "rate": {"amount_micros": 1_000_000, "currency": "INR"}},
    "budget": {"amount_micros": 5_000_000, "currency": "INR"},
    "creatives": [{
        "kind": "text", "placement": "corner", "duration_ms": 5000, "accent": "#ff6a00", "headline": "Later",
    }],
}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


DIRECT = urllib.request.build_opener(NoRedirect)


class Server:
    """A server in demo mode, in a folder that goes with it."""

    def __init__(self, binary):
        self.folder = tempfile.TemporaryDirectory(prefix="gametriggers-contract-")
        plain = {name: value for name, value in os.environ.items() if not name.startswith("GAMETRIGGERS__")}
        settings = {f"GAMETRIGGERS__{name}": value for name, value in SETTINGS.items()}
        self.log = open(pathlib.Path(self.folder.name) / "server.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [binary, "demo", "--data", self.folder.name, "--port", "0", "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True, env=plain | settings,
        )
        watch = threading.Timer(START_S_MAX, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        if not line.startswith("{"):
            self.log.seek(0)
            raise SystemExit(f"{binary} does not start: {line}{self.log.read()[-2000:]}")
        self.printed = json.loads(line)
        self.api = self.printed["api_url"]
        self.url = self.api.removesuffix("/api")
        self.operator = self.printed["admin_api_key"]
        self.brand = self.printed["brand_api_key"]
        self.streamer = self.printed["dashboard_url"].split("#k=")[1]

    def ask(self, method, url, key, body=None, headers=()):
        """The status and the body of an answer. No redirect is followed."""
        is_bytes = isinstance(body, bytes)
        data = body if is_bytes or body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method)
        if key:
            request.add_header("authorization", f"Bearer {key}")
        if data is not None:
            request.add_header("content-type", "application/octet-stream" if is_bytes else "application/json")
        for name, value in headers:
            request.add_header(name, value)
        try:
            with DIRECT.open(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def call(self, method, path, key, body=None, headers=()):
        """The answer to a request that has to succeed."""
        status, said = self.ask(method, self.api + path, key, body, headers)
        if not 200 <= status < 300:
            raise SystemExit(f"{method} {path}: {status} {said}")
        return json.loads(said) if said else None

    def document(self):
        return self.call("GET", "/openapi.json", None)

    def user(self, number):
        """The token of a new user, who is a streamer."""
        body = {
            "email": f"user-{number}@example.com", "password": PASSWORD, "name": "Nova", "type": "streamer",
            "category": "gaming", "language": "en", "country": "IN",
        }
        return self.call("POST", "/auth/sign-up", None, body)["access_token"]

    def key_for(self, name, operation):
        """Who sends an example: an operator, and where that does not do, who it is for."""
        if name == "post_services_users_oauth":
            return SERVICE_KEY
        if not operation["security"]:
            return None
        if name == "patch_campaigns_by_id_participations_by_streamer_id":
            # Who was invited says yes.
            return self.streamer
        if not any(one["bearer"] for one in operation["security"]):
            return self.user(name)
        return self.operator

    def plant(self):
        """One of everything that examples name by its number, and a second owner of each kind."""
        opened = self.call("POST", "/admin/brands", self.operator, {"name": "Rival"})
        self.other_brand, self.other_brand_id = opened["key"], opened["brand_id"]
        profile = {"name": "Vega", "category": "music", "language": "en", "country": "IN"}
        self.other_streamer = self.call("POST", "/admin/streamers", self.operator, profile)["key"]
        hook = {"url": "https://example.com/hooks/gametriggers", "events": ["campaign.changed", "campaign.paused"]}
        for key in (self.operator, self.brand, self.streamer):
            self.call("POST", "/webhooks", key, hook)
        week = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7 * 86400))
        override = {"campaign_id": 1, "reason": "both brands share this launch event", "expires_at": week}
        self.call("POST", "/conflict-rules/overrides", self.operator, override)
        person = {"email": "asha@brand.example.com", "name": "Asha", "brand_id": 1}
        self.call("POST", "/admin/users", self.operator, person)
        picture = (ROOT / "config/demo/voltade-lower-third.webp").read_bytes()

        asset = self.call("POST", "/assets", self.brand, picture)["name"]
        channel = {"platforms": [{"platform": "twitch", "handle": "nova"}]}
        self.call("PATCH", "/streamers/1", self.streamer, channel)
        key = lambda path: self.call("POST", path, self.operator, {"name": "reporting"})["key_id"]
        rule = {
            "name": "Games keep apart", "type": "category_exclusivity", "severity": "advisory", "config": {"span_s": 60},
        }
        rule = self.call("POST", "/conflict-rules", self.operator, rule)["id"]
        drafts = [self.call("POST", "/campaigns", self.brand, DRAFT)["id"] for _ in range(3)]
        # What examples can not name, since nobody knows it before it is made.
        self.there = {
            "{name}": asset,
            "/brands/{id}/keys/{key_id}": f"/brands/1/keys/{key('/brands/1/keys')}",
            "/streamers/{id}/keys/{key_id}": f"/streamers/1/keys/{key('/streamers/1/keys')}",
            "/streamers/{id}/overlay-keys/{key_id}": f"/streamers/1/overlay-keys/{key('/streamers/1/overlay-keys')}",
            "/admin/keys/{id}": f"/admin/keys/{key('/brands/1/keys')}",
            "/conflict-rules/{id}": f"/conflict-rules/{rule}",
            "/campaigns/{id}/submit": f"/campaigns/{drafts[0]}/submit",
            "/campaigns/{id}/archive": f"/campaigns/{drafts[1]}/archive",
            "PUT /api/campaigns/{id}": f"PUT /api/campaigns/{drafts[2]}",
            # The first one has campaigns that run, and is not put away.
            "/brands/{id}/archive": f"/brands/{self.other_brand_id}/archive",
        }
        company = {"legal_name": "Voltade Beverages", "registration_number": "U15549MH2021PTC000000", "country": "IN"}
        for brand in (1, self.other_brand_id):
            self.call("PATCH", f"/brands/{brand}", self.operator, {"company": company})
        self.call("POST", "/brands/1/verification", self.brand)
        # No money leaves before the books were checked once.
        until = time.monotonic() + START_S_MAX
        while json.loads(urllib.request.urlopen(f"{self.url}/health/ready", timeout=10).read()).get("payouts") != "ok":
            if time.monotonic() > until:
                raise SystemExit("the books are not checked after half a minute")
            time.sleep(0.2)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "it does not stop"
        self.log.close()
        self.folder.cleanup()
        return status


def wrong_examples(document):
    """Every example of a body or an answer that is not what its schema says."""
    faults = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies = [("body", operation.get("requestBody", {}))]
            bodies += [(status, answer) for status, answer in operation["responses"].items()]
            for name, one in bodies:
                content = one.get("content", {}).get("application/json")
                if content is None:
                    continue
                whole = content["schema"] | {"components": document["components"]}
                validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
                faults += [
                    f"{method.upper()} {path} {name}: {error.message} at {list(error.instance_path)}"
                    for error in validator.iter_errors(content["example"])
                ]
    return faults


def filled(operation, path):
    """The path of an operation, with the examples of its parameters, and the headers that it needs."""
    headers, query = [], {}
    for parameter in operation["parameters"]:
        schema = parameter["schema"]
        example = (schema.get("examples") or schema.get("enum") or [None])[0]
        if parameter["in"] == "path":
            path = path.replace("{%s}" % parameter["name"], str(example))
        elif parameter["in"] == "query" and example is not None and (parameter["required"] or "examples" in schema):
            query[parameter["name"]] = example
        elif parameter["name"] == "Idempotency-Key":
            headers.append((parameter["name"], f"contract-{operation['operationId']}"))
    return path + ("?" + urllib.parse.urlencode(query) if query else ""), headers


def examples(options):
    """Sends the example of every operation to a server on which there is what they name; each has to succeed."""
    server = Server(options.binary)
    faults, sent, began = [], 0, time.monotonic()
    try:
        server.plant()
        document = server.document()
        faults += wrong_examples(document)
        all_of_them = [
            (method.upper(), path, operation)
            for path, methods in document["paths"].items() for method, operation in methods.items()
        ]
        # What ends something comes when nobody needs it any more.
        def order(one):
            method, path, _ = one
            last = ["/overlay-key", "/archive"]
            ends = next((at for at, end in enumerate(last, 1) if path.endswith(end)), 0)
            return (not path.endswith("/sign-up"), method == "DELETE" or ends > 0, ends)

        for method, path, operation in sorted(all_of_them, key=order):
            name = operation["operationId"]
            key = server.key_for(name, operation)
            named = f"{method} {path}"
            for place, there in server.there.items():
                named = named.replace(place, there)
            where, headers = filled(operation, named.split(" ")[1])
            body = operation.get("requestBody", {}).get("content", {})
            if name == "post_assets":
                body = (ROOT / "config/demo/voltade-lower-third.webp").read_bytes()
            elif body:
                body = body["application/json"]["example"]
            else:
                body = None
            status, said = server.ask(method, server.url + where, key, body, headers)
            sent += 1
            wanted = NOT_NOW.get(name, (range(200, 400), ""))[0]
            if status not in wanted:
                faults.append(f"{method} {where}: {status} {said}")
    finally:
        server.end()
    return {
        "role": "examples", "status": 0, "output": "", "took": time.monotonic() - began, "operations": sent,
        "crashed": False, "faults": faults, "cases": sent,
    }


def operations_of(role, document, scopes):
    """The operations of a role: those that one of its scopes opens; for users those that need one, or nobody."""
    chosen = []
    for methods in document["paths"].values():
        for operation in methods.values():
            security = operation["security"]
            names = [scope for one in security for scope in one["bearer"]]
            is_service = operation["operationId"] == "post_services_users_oauth"
            if role == "user":
                fits = not names and not is_service
            elif role == "operator":
                fits = bool(names) or is_service
            else:
                fits = any(name in scopes for name in names)
            if fits:
                chosen.append(operation["operationId"])
    return chosen


def run(role, options):
    server = Server(options.binary)
    try:
        server.plant()
        document = server.document()
        keys = {
            "operator": [server.operator],
            "brand": [server.brand, server.other_brand],
            "streamer": [server.streamer, server.other_streamer],
            "user": [server.streamer],
        }[role]
        scopes = set()
        if role in ("brand", "streamer"):
            scopes = set(server.call("GET", f"/{role}s/1/keys", server.operator)["items"][0]["scopes"])
        chosen = operations_of(role, document, scopes)
        folder = pathlib.Path(server.folder.name)
        config = (HERE / "schemathesis.toml").read_text(encoding="utf-8")
        if len(keys) > 1:
            # Two of a kind: neither gets what the other one has.
            bearer = lambda key: [{"name": "Authorization", "value": f"Bearer {key}"}]
            names = [f"{role}-{number}" for number in range(1, len(keys) + 1)]
            auth = [{"name": name, "fixedHeaders": bearer(key)} for name, key in zip(names, keys)]
            (folder / "auth.json").write_text(json.dumps({"auth": auth}))
            # The tool also asks without a key, to see whether one is needed at all.
            config = config.replace("403, 404", "401, 403, 404").replace("401, 401", "401")
            config = re.sub(r"^hooks = .*$", "", config, flags=re.MULTILINE)
            # How a request is written is read before anybody asks whose it is: the operator's run has looked at that.
            config += '\n[phases.coverage.generation]\nmode = "positive"\n'
            config += f'\n[auth.wfc]\npath = "{folder}/auth.json"\npeers = {json.dumps(names)}\n'
        else:
            config = config.replace("${CONTRACT_HOOKS}", str(HERE / "hooks.py"))
        (folder / "schemathesis.toml").write_text(config)
        command = [
            options.schemathesis, "--config-file", str(folder / "schemathesis.toml"), "--no-color",
            "run", f"{server.api}/openapi.json", "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful",
            "--max-examples", str(options.examples), "--seed", str(options.seed),
            "--report", "ndjson", "--report-ndjson-path", str(options.reports / f"{role}.ndjson"),
        ]
        for name in chosen:
            command += ["--include-operation-id", name]
        environment = os.environ | {
            "CONTRACT_KEY": keys[0], "CONTRACT_SERVICE_KEY": SERVICE_KEY, "CONTRACT_SERVER": server.url,
        }
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        took = time.monotonic() - began
        crashed = server.process.poll() is not None
    finally:
        status = server.end()
    (options.reports / f"{role}.log").write_text(done.stdout)
    return {
        "role": role, "status": done.returncode, "output": done.stdout, "took": took, "operations": len(chosen),
        "crashed": crashed or status not in (0, -signal.SIGTERM), "faults": [], "cases": cases(done.stdout),
    }


def cases(output):
    found = re.search(r"^\s*(\d+) generated", output, re.MULTILINE)
    return int(found.group(1)) if found else 0


def main():
    parser = argparse.ArgumentParser(prog="scripts/contract", description=__doc__.split("\n")[0])
    parser.add_argument("--examples", type=int, default=5, help="requests of each operation and phase (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with (default 1)")
    parser.add_argument("--role", action="append", choices=("examples", *ROLES), help="only this one; may be named again")
    parser.add_argument("--binary", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--schemathesis", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--reports", required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.reports.mkdir(parents=True, exist_ok=True)
    roles = options.role or ("examples", *ROLES)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        runs = list(pool.map(lambda role: examples(options) if role == "examples" else run(role, options), roles))
    bad = [one for one in runs if one["status"] != 0 or one["crashed"] or one["faults"] or one["cases"] == 0]
    for one in bad:
        print(one["output"])
        print("\n".join(one["faults"]))
        if one["crashed"]:
            print(f"the server of the role {one['role']} did not end as it should")
    for one in runs:
        verdict = "FAILED" if one in bad else "ok"
        print(f"{verdict:6} {one['role']:9} {one['operations']:3} operations {one['cases']:6} requests {one['took']:6.1f} s")
    total = sum(one["cases"] for one in runs)
    print(
        f"{total} requests of {len(runs)} roles in {time.monotonic() - began:.0f} s, seed {options.seed}: "
        f"{len(bad)} roles with faults"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
