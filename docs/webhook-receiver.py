#!/usr/bin/env python3
"""A webhook that authorises the devices of an inventory: WEBHOOK_SECRET=whsec_… webhook-receiver.py PORT"""
import base64, hashlib, hmac, json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
# The subjects that may enrol, and the names that their certificates get. Compare whole subjects: a part of
# one may be written so that it looks like another.
DEVICES = {"CN=device-1,O=Corp": {"dns": ["device-1.corp.example"]}, "CN=device-2,O=Corp": {}}


def decide(asked):
    if asked["subject"] not in DEVICES:
        return {"decision": "DENY", "reason": "not in the inventory"}
    # A kind of name that is left out binds nothing: the RA Profile's rules might let the device choose.
    return {"decision": "ALLOW", "subjectAltNames": {"dns": [], "ip": [], **DEVICES[asked["subject"]]}}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 1 << 20))
        identity, sent = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        digest = hmac.digest(KEY, f"{identity}.{sent}.".encode() + body, hashlib.sha256)
        expected = b"v1," + base64.b64encode(digest)
        signatures = self.headers.get("webhook-signature", "").encode().split(b" ")
        is_signed = any([hmac.compare_digest(expected, signature) for signature in signatures])
        if not is_signed or abs(time.time() - int(sent)) > 300:
            return self.send_error(401)
        event = json.loads(body)
        print(event["type"], identity, event["data"].get("subject"), flush=True)
        # Notifications and scep.test, which an administrator sends from Scepter, ask nothing.
        answer = decide(event["data"]) if event["type"] == "scep.enrolment" else {}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
