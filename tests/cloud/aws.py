"""What tests/cloud asks of AWS beside HTTP: python aws.py COMMAND …; JSON on standard output.

    describe STACK              outputs, physical names by logical ones, and a token of the stack's own client
    policy ROLE                 the role's inline policy
    policy ROLE put             puts the policy of standard input in its place
    exists KIND NAME            whether a table, key or function is there: true or false
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


def exists(kind, name):
    try:
        if kind == "table":
            boto3.client("dynamodb").describe_table(TableName=name)
        elif kind == "key":
            return boto3.client("kms").describe_key(KeyId=name)["KeyMetadata"]["KeyState"] == "Enabled"
        else:
            boto3.client("lambda").get_function(FunctionName=name)
    except Exception as error:
        if "NotFound" in type(error).__name__:
            return False
        raise
    return True


if __name__ == "__main__":
    commands = {"describe": describe, "policy": policy, "exists": exists}
    json.dump(commands[sys.argv[1]](*sys.argv[2:]), sys.stdout)
