"""AWS on loopback for tests/cloud: MiniStack, with what it lacks for this stack added at run time.

    BIND_HOST=127.0.0.1 GATEWAY_PORT=4566 AUTH=true … python emulator.py

Each addition names what AWS does. `check` fails at the start when a newer MiniStack no longer has what is patched.
Beside AWS's own endpoints it answers:

    PUT /_tests/faults   {"Sign": "ThrottlingException", …}: these operations fail from now on, or take two
                         seconds ("delay"); {} ends that
    GET /_tests/calls    [["Sign", 200], …]: DynamoDB's and KMS's operations since the last look
"""

import asyncio
import json
import os
import re
import signal
import socketserver
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from importlib.metadata import version

import ministack.app as app
import ministack.core.iam_actions as iam_actions
import ministack.core.iam_evaluator as iam_evaluator
import ministack.core.lambda_runtime as lambda_runtime
import ministack.core.responses as responses
import ministack.services.apigateway as apigateway
import ministack.services.apigateway_v1 as apigateway_v1
import ministack.services.cloudformation.engine as engine
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudfront as cloudfront
import ministack.services.kms as kms
import ministack.services.route53 as route53
import ministack.services.tagging as tagging

VERSION = "1.5.33"
# AWS says up to five minutes.
TAGS_SECONDS = 20
SESSION = re.compile(r"^arn:([a-z-]+):sts::([0-9]{12}):assumed-role/([^/]+)/")
EXECUTE_API = re.compile(r"^([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")


def check() -> None:
    if version("ministack") != VERSION:
        raise SystemExit(f"emulator.py patches ministack {VERSION}, and this is {version('ministack')}")
    for module, name in (
        (lambda_runtime.Worker, "_drain_stderr_bounded"),
        (iam_actions, "request_tag_context"),
        (iam_evaluator, "_principal_keys"),
        (iam_evaluator, "_resolve_condition_key"),
        (apigateway, "_urlopen_sync"),
        (apigateway, "_apis"),
        (apigateway, "find_api_scope"),
        (apigateway_v1, "_domain_names"),
        (apigateway_v1, "find_domain_scope"),
        (route53, "_records"),
        (cloudfront, "_forward_to_origin"),
        (engine, "_resolve_dynamic_references"),
        (kms, "_keys"),
        (tagging, "resource_tags"),
        (app, "_EXECUTE_API_RE"),
        (app, "_parse_execute_api_url"),
        (app, "app"),
    ):
        if not hasattr(module, name):
            raise SystemExit(f"emulator.py patches {module.__name__}.{name}, which is gone")


def prompt_functions() -> None:
    """A function's answer is there when the function gives it, not when its log has been waited for."""
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    drain = lambda_runtime.Worker._drain_stderr_bounded

    def promptly(self, first_line_wait=0, idle_confirm=0.0, hard_cap=0.25):
        return drain(self, 0.0, 0.0, hard_cap)

    lambda_runtime.Worker._drain_stderr_bounded = promptly


def conditions() -> None:
    """Policies may ask what a KMS request has beside its key, and with which role CloudFormation works."""
    tags = iam_actions.request_tag_context

    def context(service, iam_action, body, parameters):
        found = dict(tags(service, iam_action, body, parameters) or {})
        if service == "kms":
            request = json.loads(body or b"{}")
            found["kms:CallerAccount"] = responses.get_account_id()
            for name in ("SigningAlgorithm", "MessageType", "EncryptionAlgorithm"):
                if name in request:
                    found[f"kms:{name}"] = request[name]
            encryption = request.get("EncryptionContext") or {}
            if encryption:
                found["kms:EncryptionContextKeys"] = sorted(encryption)
            for name, value in encryption.items():
                found[f"kms:EncryptionContext:{name}"] = value
        if service == "cloudformation" and "RoleARN" in parameters:
            role = parameters["RoleARN"]
            found["cloudformation:RoleArn"] = role[0] if isinstance(role, list) else role
        return found

    iam_actions.request_tag_context = context
    resolve = iam_evaluator._resolve_condition_key

    def secure(key, known):
        """Loopback stands for HTTPS: the bucket of artifacts takes nothing else. Of a session, AWS knows the role."""
        if key.lower() == "aws:securetransport":
            return "true"
        found = resolve(key, known)
        if key.lower() == "aws:principalarn" and (session := SESSION.match(found)):
            return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"
        return found

    iam_evaluator._resolve_condition_key = secure


def late_tags() -> None:
    """Policies learn of the tags of a new key late, as those of AWS do: what is made must work without."""
    tags = tagging.resource_tags

    def known(arn):
        record = kms._keys.get(arn.rsplit("/", 1)[-1]) if ":kms:" in arn else None
        is_new = record is not None and time.time() - record["CreationDate"] < TAGS_SECONDS
        # What a stack makes by CloudFormation waits for its tags; keys of tests are there at once.
        if is_new and any(tag["TagKey"] == "scepter:keyOrder" for tag in record["Tags"]):
            return {}
        return tags(arn)

    tagging.resource_tags = known


def source_functions() -> None:
    """Policies may ask which function a request comes from: its name is that of the session."""
    keys = iam_evaluator._principal_keys

    def known(credential):
        found = keys(credential)
        if credential.principal_type == "AssumedRole":
            function = credential.principal_arn.rsplit("/", 1)[1]
            region = os.environ["AWS_DEFAULT_REGION"]
            found["lambda:sourcefunctionarn"] = f"arn:aws:lambda:{region}:{credential.account_id}:function:{function}"
        return found

    iam_evaluator._principal_keys = known


def served_as(name: str) -> str | None:
    """The Host by which this process serves a name of API Gateway, if records of DNS lead to it."""
    if match := EXECUTE_API.match(name):
        return f"{match[1]}.execute-api.localhost"
    if (scope := apigateway_v1.find_domain_scope(name)) is None:
        return None
    domain = apigateway_v1._domain_names.get_scoped(*scope)
    records = [record for zone in route53._records.values() for record in zone if record["Name"] == f"{name}."]
    targets = {record["Type"]: record.get("AliasTarget", {}).get("DNSName") for record in records}
    return name if targets == dict.fromkeys(("A", "AAAA"), f"{domain['regionalDomainName']}.") else None


def loopback_origins(port: str) -> None:
    """An HTTP API that is called by its own domain name, or by one that it was given, is the one in this process."""
    urlopen = apigateway._urlopen_sync

    def own(request, timeout_seconds):
        url = request if isinstance(request, str) else request.full_url
        parts = urllib.parse.urlsplit(url)
        if host := served_as(parts.hostname or ""):
            local = urllib.parse.urlunsplit(("http", f"127.0.0.1:{port}", parts.path, parts.query, ""))
            headers = {name: value for name, value in request.header_items() if name.lower() != "host"}
            request = urllib.request.Request(
                local, data=request.data, method=request.get_method(), headers={**headers, "Host": host}
            )
        try:
            status, headers, body = urlopen(request, timeout_seconds)
        except urllib.error.HTTPError as refused:
            # A status like any other, with its own Content-Type.
            status, headers, body = refused.code, dict(refused.headers.items()), refused.read()
        return status, {name.title(): value for name, value in headers.items()}, body

    apigateway._urlopen_sync = own
    forward = cloudfront._forward_to_origin

    def forward_own(origin, method, uri, query_string, headers, body, is_https, client, forwarded):
        if host := served_as(origin["domain_name"]):
            # API Gateway appends whom it saw to X-Forwarded-For: the edge, which has this address here.
            forwarded = f"{forwarded}, {client}" if forwarded else client
            origin = {
                **origin,
                "domain_name": "127.0.0.1",
                "http_port": int(port),
                "protocol_policy": "http-only",
            }
            headers = {name: value for name, value in headers.items() if name.lower() != "host"}
            headers["host"] = host
        return forward(origin, method, uri, query_string, headers, body, is_https, client, forwarded)

    cloudfront._forward_to_origin = forward_own


def default_stages() -> None:
    """An HTTP API with the stage $default alone gets the path as it is, with the slash at its end. One whose endpoint
    is disabled is not found by the name of the endpoint."""
    parse = app._parse_execute_api_url

    def parse_whole(host, path):
        if (match := app._EXECUTE_API_RE.match(host)) is None:
            return parse(host, path)
        scope = apigateway.find_api_scope(match[1])
        api = apigateway._apis.get_scoped(*scope, match[1]) if scope else {}
        return ("disabled" if api.get("disableExecuteApiEndpoint") else match[1], "$default", path)

    app._parse_execute_api_url = parse_whole


def secrets_of_nested_stacks() -> None:
    """A property may name a secret in a nested stack, too: the edge's header does."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::CloudFront::Distribution"]
    create, update = handler["create"], handler["update"]

    def create_with(logical_id, properties, stack_name):
        return create(logical_id, engine._resolve_dynamic_references(properties)[0], stack_name)

    def update_with(physical_id, old, new, *arguments, **named):
        return update(physical_id, old, engine._resolve_dynamic_references(new)[0], *arguments, **named)

    handler.update(create=create_with, update=update_with)


def metric_math_alarms() -> None:
    """An alarm may watch an expression over metrics. Here it is kept, and watches nothing."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    create = handler["create"]

    def create_any(logical_id, properties, stack_name):
        if "Metrics" in properties:
            rest = {name: value for name, value in properties.items() if name != "Metrics"}
            named = {"Namespace": "Tests", "MetricName": logical_id, "Period": 300, "Statistic": "Sum"}
            properties = {**rest, **named}
        return create(logical_id, properties, stack_name)

    handler["create"] = create_any


def tests_endpoints() -> None:
    """Faults on demand, and what was called."""
    inner, faults, calls = app.app, {}, []

    async def answer(send, status, body):
        headers = [(b"content-type", b"application/x-amz-json-1.0")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def read(receive):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return body

    async def outer(scope, receive, send):
        if scope["type"] != "http":
            return await inner(scope, receive, send)
        if scope["path"] == "/_tests/faults":
            faults.clear()
            faults.update(json.loads(await read(receive)))
            return await answer(send, 200, {})
        if scope["path"] == "/_tests/calls":
            seen = list(calls)
            calls.clear()
            return await answer(send, 200, seen)
        target = dict(scope["headers"]).get(b"x-amz-target", b"").decode()
        service, _, operation = target.partition(".")
        if service not in ("DynamoDB_20120810", "TrentService"):
            return await inner(scope, receive, send)
        if faults.get(operation) == "delay":
            calls.append([operation, 0])
            await asyncio.sleep(2)
        elif operation in faults:
            calls.append([operation, 400])
            await read(receive)
            error = {"__type": faults[operation], "message": "a test asked for this"}
            return await answer(send, 400, error)

        async def noted(message):
            if message["type"] == "http.response.start":
                calls.append([operation, message["status"]])
            await send(message)

        return await inner(scope, receive, noted)

    app.app = outer


def end_with_standard_input() -> None:
    """Whoever started this holds the other end: when that is gone, so are this process and its functions."""

    def wait():
        sys.stdin.read()
        os.killpg(os.getpgid(0), signal.SIGKILL)

    if not sys.stdin.isatty():
        threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    check()
    end_with_standard_input()
    prompt_functions()
    conditions()
    late_tags()
    source_functions()
    loopback_origins(app._resolve_port())
    default_stages()
    secrets_of_nested_stacks()
    metric_math_alarms()
    tests_endpoints()
    app.main()
