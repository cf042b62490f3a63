"""What tests/cloud asks of AWS beside HTTP: python aws.py COMMAND …; JSON on standard output.

    deployer STACK              makes a user with the policy for deployers; the stack's outputs, and the user's access key
    escalate STACK OWN ROLE     tries, as the caller, to change the stack of his own limits, and to deploy without the role: the errors' codes
    describe STACK              outputs, physical names by logical ones, and the ids and secrets of its clients
    policy ROLE                 the role's inline policy
    policy ROLE put             puts the policy of standard input in its place
    routes API                  its routes: key, how callers are known, scopes
    key [STACK]                 makes a key that signs by EC P-256, with the tag of a stack or none; its ARN
    logs GROUP SINCE            every line of a log group since then, in milliseconds of Unix time
    person POOL NAME PASSWORD GROUP…
                                makes a person with a password that need not be changed
    pool POOL CLIENT            how people of a user pool come to be and sign in, and the client by which they do
    delete STACK                deletes it; what of its tables, keys and functions is still there
    invoke FUNCTION EVENT       what a function answers to an event: null, or its error
    alarms STACK                whom its topic of alarms tells, what its alarms and its rule about keys act on, and what the
                                topic publishes when one of them is set to ALARM
    zone NAME                   makes a hosted zone of Route 53; its id
    certificate NAME            has a certificate issued for a name; its ARN
    count TABLE PREFIX          how many items of a table have an id that begins with this
    targets RULE                the input that a rule of EventBridge gives to each of its targets, or null, by their ARNs
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError


def outputs(stack):
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def deployer(stack):
    iam, found = boto3.client("iam"), outputs(stack)
    iam.create_user(UserName="deployer")
    iam.attach_user_policy(UserName="deployer", PolicyArn=found["DeployerPolicyArn"])
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    return {"outputs": found, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def escalate(stack, own, role):
    cloudformation = boto3.client("cloudformation")
    template = json.dumps({"Resources": {"Boundary": {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        }},
    }}})
    tries = [
        (cloudformation.update_stack, {"StackName": stack, "RoleARN": role, "TemplateBody": template}),
        (cloudformation.delete_stack, {"StackName": stack}),
        (cloudformation.create_stack, {"StackName": f"{own}-mine", "RoleARN": role, "TemplateBody": template}),
        (cloudformation.update_stack, {"StackName": own, "TemplateBody": template}),
        (boto3.client("iam").create_user, {"UserName": "mallory"}),
    ]
    codes = []
    for call, arguments in tries:
        try:
            call(**arguments)
            codes.append("allowed")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    return codes


def describe(stack):
    cloudformation = boto3.client("cloudformation")
    found = outputs(stack)
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]

    def credentials(client):
        described = boto3.client("cognito-idp").describe_user_pool_client(UserPoolId=found["UserPoolId"], ClientId=client)
        return f"{client}:{described['UserPoolClient']['ClientSecret']}"

    return {
        "outputs": found,
        "resources": {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources},
        "client": credentials(found["AutomationClientId"]),
        "mdm": credentials(found["MdmClientId"]),
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


def person(pool, name, password, *groups):
    cognito = boto3.client("cognito-idp")
    cognito.admin_create_user(UserPoolId=pool, Username=name, TemporaryPassword=password, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    for group in groups:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)


def pool(pool, client):
    cognito = boto3.client("cognito-idp")
    found = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
    client = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
    return {
        "pool": {
            "mfa": found["MfaConfiguration"],
            "adminCreatesUsers": found["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"],
            "passwordLength": found["Policies"]["PasswordPolicy"]["MinimumLength"],
        },
        "client": {
            "hasSecret": "ClientSecret" in client,
            "flows": client["AllowedOAuthFlows"],
            "callbackUrls": client["CallbackURLs"],
            "logoutUrls": client["LogoutURLs"],
            "passwords": any("PASSWORD" in flow for flow in client["ExplicitAuthFlows"]),
            "revocation": client["EnableTokenRevocation"],
        },
    }


def listed(service, operation, member):
    """Every page: other tests make more tables than there are on one."""
    return [one for page in boto3.client(service).get_paginator(operation).paginate() for one in page[member]]


def delete(stack):
    """Not by `sam delete`, which does not know the emulator's URLs for what they are; it asks CloudFormation for the same."""
    cloudformation = boto3.client("cloudformation")
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    tables = listed("dynamodb", "list_tables", "TableNames")
    keys = [key["KeyId"] for key in listed("kms", "list_keys", "Keys")]
    functions = [function["FunctionName"] for function in listed("lambda", "list_functions", "Functions")]
    there = {*tables, *keys, *functions}
    return sorted(resource["LogicalResourceId"] for resource in found if resource["PhysicalResourceId"] in there)


def invoke(function, event):
    answer = boto3.client("lambda").invoke(FunctionName=function, Payload=event.encode())
    return json.load(answer["Payload"])


def alarms(stack):
    cloudwatch, sns, sqs = boto3.client("cloudwatch"), boto3.client("sns"), boto3.client("sqs")
    topic = next(one["TopicArn"] for one in sns.list_topics()["Topics"] if one["TopicArn"].endswith(f":{stack}-alarms"))
    told = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    found = cloudwatch.describe_alarms(AlarmNamePrefix=f"{stack} ")["MetricAlarms"]
    acted = {arn for alarm in found for kind in ("AlarmActions", "OKActions") for arn in alarm[kind]}
    # A message is read from a queue, since nobody reads the mail.
    queue = sqs.create_queue(QueueName=f"{stack}-heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    cloudwatch.set_alarm_state(AlarmName=f"{stack} faults", StateValue="ALARM", StateReason="test")
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
    return {
        "topic": topic,
        "told": [[one["Protocol"], one["Endpoint"]] for one in told],
        "alarms": len(found),
        "silent": [alarm["AlarmName"] for alarm in found if not (alarm["AlarmActions"] and alarm["OKActions"])],
        "acted": sorted(acted),
        "keys": list(targets(f"{stack}-key-changes")),
        "heard": [json.loads(json.loads(one["Body"])["Message"])["AlarmName"] for one in messages],
    }


def zone(name):
    made = boto3.client("route53").create_hosted_zone(Name=name, CallerReference=name)
    return made["HostedZone"]["Id"].rsplit("/", 1)[1]


def certificate(name):
    return boto3.client("acm").request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"]


def count(table, prefix):
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, ProjectionExpression="id")
    return sum(item["id"]["S"].startswith(prefix) for page in pages for item in page["Items"])


def targets(rule):
    found = boto3.client("events").list_targets_by_rule(Rule=rule)["Targets"]
    return {target["Arn"]: target.get("Input") for target in found}


if __name__ == "__main__":
    commands = (deployer, escalate, describe, policy, routes, key, logs, person, pool, delete, invoke, alarms, zone, certificate, count, targets)
    commands = {command.__name__: command for command in commands}
    json.dump(commands[sys.argv[1]](*sys.argv[2:]), sys.stdout)
