"""What tests/cloud asks of AWS beside HTTP: python aws.py COMMAND …; JSON on standard output.

    describe STACK              outputs, physical names by logical ones, and a token of the stack's own client
    policy ROLE                 the role's inline policy
    policy ROLE put             puts the policy of standard input in its place
    routes API                  its routes: key, how callers are known, scopes
    key [STACK]                 makes a key that signs by EC P-256, with the tag of a stack or none; its ARN
    logs GROUP SINCE            every line of a log group since then, in milliseconds of Unix time
    delete STACK                deletes it; what of its tables, keys and functions is still there
    invoke FUNCTION             what a function answers to an event of a schedule
"""

import json
import sys

import boto3


def describe(stack):
    cloudformation = boto3.client("cloudformation")
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    client = boto3.client("cognito-idp").describe_user_pool_client(
        UserPoolId=outputs["UserPoolId"], ClientId=outputs["AutomationClientId"]
    )["UserPoolClient"]
    return {
        "outputs": outputs,
        "resources": {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in resources},
        "client": f"{client['ClientId']}:{client['ClientSecret']}",
    }


def policy(role, put=None):
    iam = boto3.client("iam")
    if put is None:
        return iam.get_role_policy(RoleName=role, PolicyName="use-case")["PolicyDocument"]
    return iam.put_role_policy(RoleName=role, PolicyName="use-case", PolicyDocument=sys.stdin.read())["ResponseMetadata"]


def routes(api):
    pages = boto3.client("apigatewayv2").get_paginator("get_routes").paginate(ApiId=api)
    return [
        {"key": route["RouteKey"], "type": route["AuthorizationType"], "scopes": route.get("AuthorizationScopes", [])}
        for page in pages
        for route in page["Items"]
    ]


def key(stack=None):
    tags = [{"TagKey": "scepter:stack", "TagValue": stack}] if stack else []
    made = boto3.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", Tags=tags)
    return made["KeyMetadata"]["Arn"]


def logs(group, since):
    """Not stream by stream: each answer of the emulator has a stream of its own, and a list of streams ends at fifty."""
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, startTime=int(since))
    return [line for page in pages for event in page["events"] for line in event["message"].splitlines()]


def delete(stack):
    """Not by `sam delete`, which does not know the emulator's URLs for what they are; it asks CloudFormation for the same."""
    cloudformation = boto3.client("cloudformation")
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    keys = [key["KeyId"] for key in boto3.client("kms").list_keys()["Keys"]]
    functions = [function["FunctionName"] for function in boto3.client("lambda").list_functions()["Functions"]]
    there = {*tables, *keys, *functions}
    return sorted(resource["LogicalResourceId"] for resource in found if resource["PhysicalResourceId"] in there)


def invoke(function):
    answer = boto3.client("lambda").invoke(FunctionName=function, Payload=b'{"source": "aws.events"}')
    if "FunctionError" in answer:
        raise SystemExit(answer["Payload"].read().decode())
    return json.load(answer["Payload"])


if __name__ == "__main__":
    commands = {"describe": describe, "policy": policy, "routes": routes, "key": key, "delete": delete, "logs": logs, "invoke": invoke}
    json.dump(commands[sys.argv[1]](*sys.argv[2:]), sys.stdout)
