"""Holds the Rules of template.yaml and infra/deployer.yaml to the combinations below, as the emulator's CloudFormation evaluates them.

Usage: python rules.py, by the Python of the emulator (tests/cloud/lint.sh runs it)."""

import pathlib
import re
import sys

from ministack.services.cloudformation import engine

CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/x"
TOPIC = "arn:aws:sns:eu-central-1:000000000000:alarms"
EDGE = {"Edge": "true"}
DOMAIN = {
    "DomainName": "scep.example",
    "CertificateArn": "arn:aws:acm:eu-central-1:000000000000:certificate/x",
}
CLOSED = {"CloseApiUrl": "true"}
ISSUER = {"JwtIssuer": "https://issuer.example"}
CONSOLE = {
    **ISSUER,
    "ConsoleClientId": "console",
    "ConsoleAuthorizationUrl": "https://issuer.example/authorize",
    "ConsoleTokenUrl": "https://issuer.example/token",
}
TABLES = {
    "ProfilesTableName": "restored-profiles",
    "TransactionsTableName": "restored-transactions",
    "CertificatesTableName": "restored-certificates",
}

# What is deployed of template.yaml.
ACCEPTED = [
    {},
    EDGE,
    {**EDGE, "EdgeDomainName": "scep.example", "EdgeCertificateArn": CERTIFICATE},
    {**EDGE, "EdgeWebAclArn": "arn:aws:wafv2:us-east-1:000000000000:global/webacl/x/y"},
    DOMAIN,
    {**DOMAIN, "HostedZoneId": "Z0123456789", **CLOSED},
    {**DOMAIN, **EDGE, "EdgeDomainName": "edge.example", "EdgeCertificateArn": CERTIFICATE},
    {**EDGE, **CLOSED},
    {"Mfa": "OPTIONAL"},
    {"AlarmEmail": "pki@example.com", "Metrics": "ALARMS"},
    {"AlarmTopicArn": TOPIC},
    {"Metrics": "NONE"},
    {"CrlDays": "1", "CrlAlarmHours": "6"},
    {"CrlDays": "2", "CrlAlarmHours": "18"},
    {"CrlDays": "3"},
    ISSUER,
    {**ISSUER, "JwtAudience": "one,two", "ScopePrefix": ""},
    TABLES,
    CONSOLE,
    {**CONSOLE, "ConsoleLogoutUrl": "https://issuer.example/logout", "ConsoleScope": "openid"},
]

# What is refused, and how the reason begins.
REFUSED = [
    ({"EdgeDomainName": "scep.example", "EdgeCertificateArn": CERTIFICATE}, "EdgeDomainName needs Edge=true"),
    ({"EdgeCertificateArn": CERTIFICATE}, "EdgeCertificateArn needs Edge=true"),
    ({"EdgeWebAclArn": "arn:aws:wafv2:us-east-1:000000000000:global/webacl/x/y"}, "EdgeWebAclArn needs Edge=true"),
    ({**EDGE, "EdgeDomainName": "scep.example"}, "EdgeDomainName needs EdgeCertificateArn"),
    ({**EDGE, "EdgeCertificateArn": CERTIFICATE}, "EdgeCertificateArn needs EdgeDomainName"),
    ({"DomainName": "scep.example"}, "DomainName needs CertificateArn"),
    (
        {**DOMAIN, **EDGE, "EdgeDomainName": "scep.example", "EdgeCertificateArn": CERTIFICATE},
        "DomainName is that of the API",
    ),
    ({"CertificateArn": DOMAIN["CertificateArn"]}, "CertificateArn needs DomainName"),
    ({"HostedZoneId": "Z0123456789"}, "HostedZoneId needs DomainName"),
    (CLOSED, "CloseApiUrl needs DomainName or Edge=true"),
    ({"JwtAudience": "scepter,other"}, "JwtAudience needs JwtIssuer"),
    ({"ScopePrefix": "api://x/"}, "ScopePrefix needs JwtIssuer"),
    ({"ConsoleClientId": "console"}, "ConsoleClientId needs JwtIssuer"),
    ({**ISSUER, "JwtAudience": ""}, "JwtIssuer needs JwtAudience"),
    ({**ISSUER, "Mfa": "OPTIONAL"}, "Mfa=OPTIONAL"),
    ({**CONSOLE, "ConsoleAuthorizationUrl": ""}, "ConsoleClientId needs ConsoleAuthorizationUrl"),
    ({**CONSOLE, "ConsoleTokenUrl": ""}, "ConsoleClientId needs ConsoleTokenUrl"),
    ({**CONSOLE, "ConsoleClientId": ""}, "ConsoleAuthorizationUrl needs ConsoleClientId"),
    ({"ConsoleTokenUrl": "https://issuer.example/token"}, "ConsoleTokenUrl needs ConsoleClientId"),
    ({**ISSUER, "ConsoleLogoutUrl": "https://issuer.example/logout"}, "ConsoleLogoutUrl needs ConsoleClientId"),
    ({**ISSUER, "ConsoleScope": "openid"}, "ConsoleScope needs ConsoleClientId"),
    ({"AlarmEmail": "pki@example.com", "AlarmTopicArn": TOPIC}, "AlarmEmail makes a topic of its own"),
    ({"AlarmEmail": "pki@example.com", "Metrics": "NONE"}, "AlarmEmail needs metrics"),
    ({"AlarmTopicArn": TOPIC, "Metrics": "NONE"}, "AlarmTopicArn needs metrics"),
    ({"CrlDays": "1"}, "CrlDays=1 needs CrlAlarmHours"),
    ({"CrlDays": "1", "CrlAlarmHours": "7"}, "CrlDays=1 needs CrlAlarmHours"),
    ({"CrlDays": "2"}, "CrlDays=2 needs CrlAlarmHours"),
    ({**TABLES, "ProfilesTableName": ""}, "ProfilesTableName is missing"),
    ({**TABLES, "TransactionsTableName": ""}, "TransactionsTableName is missing"),
    ({**TABLES, "CertificatesTableName": ""}, "CertificatesTableName is missing"),
]

# The same of infra/deployer.yaml.
DEPLOYER_ACCEPTED = [
    {},
    {"DomainName": "scep.example"},
    {"DomainName": "scep.example", "HostedZoneId": "Z0123456789"},
]
DEPLOYER_REFUSED = [({"HostedZoneId": "Z0123456789"}, "HostedZoneId needs DomainName")]


def refuse(template, given):
    """The reason for which these parameters are refused, or None."""
    provided = [{"Key": name, "Value": value} for name, value in given.items()]
    parameters = engine._resolve_parameters(template, provided)
    try:
        engine._evaluate_rules(template, parameters, {})
    except ValueError as error:
        return str(error).split(" failed: ")[1]
    return None


def check(path, accepted, refused):
    template = engine._parse_template((pathlib.Path(__file__).resolve().parents[2] / path).read_text())
    engine._check_rules_section(template)
    wrong = [f"{given} is refused: {reason}" for given in accepted if (reason := refuse(template, given))]
    shown = set()
    for given, beginning in refused:
        reason = refuse(template, given) or ""
        shown.add(reason)
        if not reason.startswith(beginning):
            wrong.append(f"{given}: {reason!r} instead of {beginning!r}")
    rules = template["Rules"].values()
    every = {assertion["AssertDescription"] for rule in rules for assertion in rule["Assertions"]}
    wrong += [f"no combination shows {reason!r}" for reason in every - shown]
    # A rule that names a parameter which there is not would be seen only by CloudFormation.
    named = set(re.findall(r"'Ref': '(\w+)'", str(template["Rules"])))
    wrong += [f"there is no parameter {name}" for name in named - set(template["Parameters"])]
    if wrong:
        sys.exit("\n".join([f"{path}:", *wrong]))
    print(f"rules of {path}: {len(accepted)} combinations accepted, {len(refused)} refused")


check("template.yaml", ACCEPTED, REFUSED)
check("infra/deployer.yaml", DEPLOYER_ACCEPTED, DEPLOYER_REFUSED)
