#!/usr/bin/env python3
"""Computes what a stack costs in a month, in USD: docs/costs.py --help.

The figures below are those of docs/deploy.md, whose tables `--tables` prints, and tests/e2e/costs.rs
compares. To change a figure, change it here, and put the output of `--tables` into the document."""

import argparse

# List prices of us-east-1 in USD, November 2026.
API_MILLION = 1.00
LAMBDA_MILLION = 0.20
GB_SECOND = 0.0000167
WRITE_MILLION = 0.625
READ_MILLION = 0.125
# RSA keys of 3,072 and 4,096 bits cost as much as EC.
SIGN_10_000 = {"EC": 0.15, "RSA_2048": 0.03}
LOG_GB = 0.50
KEY = 1.00
SECRET = 0.40
ALARM_METRIC = 0.10
CUSTOM_METRIC = 0.30
TRACE_MILLION, FREE_TRACES = 5.00, 100_000
TOKEN = 0.00225
STORED_GB, RECOVERY_GB = 0.25, 0.20
TRANSFER_GB = 0.09

# What one enrolment takes, with GetCACaps and GetCACert before it, when every function starts cold.
WRITES = [
    ("encrypted key", 1),
    ("claim", 1),
    ("its index", 1),
    ("request", 1),
    ("certificate", 2),
    ("its indexes", 4),
    ("record", 1),
    ("its index", 2),
]
READS = 15
REQUESTS, FUNCTIONS = 5, 3
LOG_KB = 8

# What the stack has.
ALARM_METRICS = 32
# DaysRemaining and CrlHoursRemaining: the least of all, and of one authority and its RA.
MAINTENANCE_METRICS = 5
# Requests and Latency of four operations, Faults, Refused, KmsFailures, Enrolments of three statuses,
# KmsCalls and KmsLatency of signing and decryption, and a few that are rare.
STACK_METRICS, PROFILE_METRICS = 20, 6
# Requests and Latency of PKIOperation, Faults, Refused, KmsFailures.
ALARM_CUSTOM_METRICS = 5
STARTS, NOTICE_STARTS = 120, 9_000
CRL_SIGNATURES = 9
CERTIFICATE_KB = 5
HOURS = 730


def enrolments(count, signature="EC"):
    """What this number of enrolments costs: (part, arithmetic, USD)."""
    units = sum(each for _, each in WRITES)
    parts = ", ".join(f"{name} {each}" for name, each in WRITES)
    n = f"{count:,.0f}"
    other = "; ".join(f"{kind} {price:.2f}" for kind, price in SIGN_10_000.items() if kind != signature)
    return [
        (
            "API Gateway",
            f"{REQUESTS} requests (each GET is sent twice) × {n} × {API_MILLION:.2f} per million",
            REQUESTS * count * API_MILLION / 1e6,
        ),
        (
            "Lambda requests",
            f"{FUNCTIONS} × {n} × {LAMBDA_MILLION:.2f} per million",
            FUNCTIONS * count * LAMBDA_MILLION / 1e6,
        ),
        (
            "Lambda time",
            f"{n} × (0.5 GB × 0.10 s + 2 × 0.125 GB × 0.02 s) × {GB_SECOND:.7f} per GB-s",
            count * (0.5 * 0.10 + 2 * 0.125 * 0.02) * GB_SECOND,
        ),
        (
            "DynamoDB writes",
            f"{n} × {units} units × {WRITE_MILLION} per million: {parts}",
            count * units * WRITE_MILLION / 1e6,
        ),
        (
            "DynamoDB reads",
            f"{n} × {READS} units × {READ_MILLION} per million, when every function starts cold",
            count * READS * READ_MILLION / 1e6,
        ),
        (
            "KMS Sign",
            f"{n} × {SIGN_10_000[signature]:.2f} per 10,000 ({signature}; {other})",
            count * SIGN_10_000[signature] / 1e4,
        ),
        ("CloudWatch Logs", f"{LOG_KB} KB × {n} × {LOG_GB:.2f} per GB", LOG_KB * count / 1e6 * LOG_GB),
    ]


def idle(authorities, certificates, alarms, tokens, years=0):
    """What a stack costs in a month in which no device asks for anything: (part, arithmetic, USD)."""
    rotations = min(years, 2)
    functions = (STARTS + NOTICE_STARTS) * (LAMBDA_MILLION / 1e6 + 0.25 * 0.3 * GB_SECOND)
    return [
        (
            "KMS keys",
            f"1 symmetric + 1 for each authority + 1 with `IntuneFederatedCredential`, × {KEY:.2f}; the"
            " symmetric key rotates each year, and costs 1.00 more after one year and 2.00 more after two",
            (1 + rotations + authorities) * KEY,
        ),
        ("secret of the front doors", f"1 in Secrets Manager × {SECRET:.2f}", SECRET),
        (
            "tokens of scripts and MDMs",
            f"{tokens:,} × {TOKEN}; 0 with `JwtIssuer`, and for people: their first 10,000 in a month are free",
            tokens * TOKEN,
        ),
        (
            "alarms, if any",
            f"{ALARM_METRICS} watched metrics × {ALARM_METRIC:.2f}",
            ALARM_METRICS * ALARM_METRIC * alarms,
        ),
        ("dashboard", "three are free", 0),
        (
            "metrics of maintenance",
            f"{MAINTENANCE_METRICS} × {CUSTOM_METRIC:.2f} × 4 of 24 hours",
            MAINTENANCE_METRICS * CUSTOM_METRIC * 4 / 24,
        ),
        (
            "functions",
            f"{STARTS} starts for maintenance, about {NOTICE_STARTS:,} for notices, × ({LAMBDA_MILLION:.2f} per"
            f" million + 0.25 GB × 0.3 s × {GB_SECOND:.7f} per GB-s)",
            functions,
        ),
        (
            "CRLs",
            f"{CRL_SIGNATURES} signatures an authority × {SIGN_10_000['EC']:.2f} per 10,000",
            CRL_SIGNATURES * authorities * SIGN_10_000["EC"] / 1e4,
        ),
        (
            "storage",
            f"{CERTIFICATE_KB} KB a certificate with its indexes × {STORED_GB} per GB, and {RECOVERY_GB:.2f} per GB"
            f" of point-in-time recovery, for {certificates:,.0f}",
            certificates * CERTIFICATE_KB / 1e6 * (STORED_GB + RECOVERY_GB),
        ),
    ]


def traces(count):
    """What X-Ray costs, whose first traces in a month are free."""
    return max(0, FUNCTIONS * count - FREE_TRACES) * TRACE_MILLION / 1e6


def metrics(kind, count, profiles):
    """What CloudWatch takes for the metrics of requests. It takes it by the hour in which one was sent."""
    sent = {"ALL": STACK_METRICS + PROFILE_METRICS * profiles, "ALARMS": ALARM_CUSTOM_METRICS, "NONE": 0}[kind]
    return sent * CUSTOM_METRIC * min(1, count / HOURS)


def total(rows):
    return sum(usd for _, _, usd in rows)


def print_tables():
    rows = enrolments(1_000)
    rsa = total(enrolments(1_000, "RSA_2048"))
    print("| | arithmetic | USD |\n|---|---|---|")
    for part, arithmetic, usd in rows:
        print(f"| {part} | {arithmetic} | {usd:.4f} |")
    print(f"| **sum** | RSA_2048 authority: {rsa:.3f} | **{total(rows):.3f}** |")
    print(
        f"| X-Ray, with `Traces` | {FUNCTIONS} traces × 1,000 × {TRACE_MILLION:.2f} per million, beyond the first"
        f" {FREE_TRACES:,} in a month | {FUNCTIONS * 1_000 * TRACE_MILLION / 1e6:.4f} |"
    )
    print("\n| | arithmetic | USD |\n|---|---|---|")
    for part, arithmetic, usd in idle(authorities=1, certificates=10_000, alarms=True, tokens=100):
        print(f"| {part} | {arithmetic} | {usd:.2f} |")
    print("\n| metrics of requests | number | USD a month, if all are sent in each hour |\n|---|---|---|")
    for kind, number in [
        ("ALL", f"about {STACK_METRICS}, and {PROFILE_METRICS} for each SCEP Profile; here with 5 profiles"),
        ("ALARMS", f"{ALARM_CUSTOM_METRICS}, which alarms watch"),
        ("NONE", "none"),
    ]:
        print(f"| `Metrics={kind}` | {number} | {metrics(kind, HOURS, 5):.2f} |")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Computes what a stack costs in a month, in USD, by the list prices of us-east-1. "
        "Functions are taken to start cold each time, which a busy stack does not."
    )
    number = {"type": int, "metavar": "N"}
    parser.add_argument("--devices", default=1_000, help="devices that have certificates (1,000)", **number)
    parser.add_argument("--renewals", default=1, help="enrolments of a device in a year (1)", **number)
    parser.add_argument("--profiles", default=1, help="SCEP Profiles in use (1)", **number)
    parser.add_argument("--authorities", default=1, help="authorities (1)", **number)
    parser.add_argument("--years", default=0, help="years that the stack has run (0)", **number)
    parser.add_argument("--tokens", default=100, help="tokens that scripts and MDMs get in a month (100)", **number)
    parser.add_argument("--crl-fetches", default=0, help="CRLs fetched in a month (0)", **number)
    parser.add_argument("--crl-kb", default=1, help="size of a CRL: 0.05 KB for each revoked certificate (1)", **number)
    parser.add_argument("--signature", choices=list(SIGN_10_000), default="EC", help="kind of the CA key; EC stands for larger RSA keys, too (EC)")
    parser.add_argument("--metrics", choices=["ALL", "ALARMS", "NONE"], default="ALL", help="parameter Metrics (ALL)")
    parser.add_argument("--no-traces", action="store_true", help="with the parameter Traces=false")
    parser.add_argument("--no-alarms", action="store_true", help="without alarms")
    parser.add_argument("--tables", action="store_true", help="print the tables of docs/deploy.md and no more")
    arguments = parser.parse_args()
    for name, value in vars(arguments).items():
        if isinstance(value, int) and value < 0:
            parser.error(f"--{name.replace('_', '-')} is negative")
    return arguments


def main():
    given = parse_arguments()
    if given.tables:
        return print_tables()
    count = given.devices * given.renewals / 12
    # Certificates are kept, and this month's is one twelfth of this year's.
    certificates = given.devices * given.renewals * max(given.years, 1)
    rows = [
        *idle(given.authorities, certificates, not given.no_alarms, given.tokens, given.years),
        *enrolments(count, given.signature),
        ("X-Ray", "", 0 if given.no_traces else traces(count)),
        ("metrics of requests", "", metrics(given.metrics, count, given.profiles)),
        (
            "CRLs fetched",
            "",
            given.crl_fetches * (1.5 * READ_MILLION / 1e6 + API_MILLION / 1e6 + given.crl_kb / 1e6 * TRANSFER_GB),
        ),
    ]
    for part, _, usd in rows:
        print(f"{part:28}{usd:10.2f}")
    print(f"{'USD a month':28}{total(rows):10.2f}")
    print(f"{count:,.0f} enrolments a month: {1000 * total(enrolments(1, given.signature)):.3f} USD for 1,000")


main()
