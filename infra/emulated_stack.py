"""Creates the stack of template.yaml in an emulator of AWS (moto), and checks that what it names exists there.

Usage: emulated_stack.py ENDPOINT OUTPUTS

Writes what an end-to-end test needs to the file OUTPUTS, as JSON: addresses, each function's environment, each mapping's
numbers. Ends with 1 and a line for each thing that is missing. What the emulator cannot create (schedules, alarms that
compute, SES's event destination) is checked on the translated template instead, and named.

The emulator's own mappings are switched off and its rules lead to queues in place of functions: it would hand functions
one made-up record at a time. tests/src/sqs_pump.rs keeps Lambda's rules instead.
"""

import io
import json
import os
import sys
import zipfile

import boto3
import yaml
from samtranslator.translator.transform import transform

STACK = "almanac-proof"
REGION = "eu-west-3"
CODE = "almanac-code"
PARAMETERS = {
    "Stage": "dev",
    # The template's number is for Lambda; here every worker is a process of this machine.
    "WorkerConcurrency": "3",
    "EmailIdentity": "almanac.example",
    "EmailFromAddress": "invitations@almanac.example",
    "AppBaseUrl": "https://almanac.example",
    "UnsubscribeBaseUrl": "https://almanac.example",
}
# The emulator has no custom resources, so it runs no migration: the test does.
CUSTOM = "Migration"
# Queues that have no dead letters: only people empty them.
LAST = ("Parking", "UndeliveredAlerts")
# What its CloudFormation does not know, or not enough of.
NOT_EMULATED = ("AWS::Scheduler::", "AWS::SES::", "AWS::CloudWatch::CompositeAlarm", "AWS::Lambda::Url")


def read_template(path):
    """The template as plain data, with CloudFormation's short tags written out."""

    class Loader(yaml.SafeLoader):
        pass

    def spelt_out(loader, tag, node):
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        if tag == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}

    Loader.add_multi_constructor("!", spelt_out)
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)


def translated(template):
    """What CloudFormation makes of the template: SAM's transform, without an account."""

    class NoManagedPolicies:
        def load(self):
            return {}

    template["Globals"]["Function"]["CodeUri"] = f"s3://{CODE}/function.zip"
    del template["Resources"][CUSTOM]
    for resource in template["Resources"].values():
        if resource.get("DependsOn") == CUSTOM:
            del resource["DependsOn"]
    return transform(template, dict(PARAMETERS), NoManagedPolicies())


def decided(plain):
    """The template with its conditions decided: the emulator leaves AWS::NoValue standing in lists."""
    given = {name: PARAMETERS.get(name, parameter.get("Default")) for name, parameter in plain["Parameters"].items()}
    nothing = object()

    def holds(condition):
        (function, value), = condition.items()
        if function == "Condition":
            return holds(plain["Conditions"][value])
        if function == "Fn::Equals":
            return text(value[0]) == text(value[1])
        if function == "Fn::Not":
            return not holds(value[0])
        return any(map(holds, value)) if function == "Fn::Or" else all(map(holds, value))

    def text(value):
        if isinstance(value, dict) and "Ref" in value:
            return given[value["Ref"]]
        if isinstance(value, dict) and "Fn::Join" in value:
            separator, items = value["Fn::Join"]
            items = text(items)
            return separator.join(items.split(",") if isinstance(items, str) else map(text, items))
        return value

    def decide(value):
        if isinstance(value, list):
            return [item for item in map(decide, value) if item is not nothing]
        if not isinstance(value, dict):
            return value
        if value == {"Ref": "AWS::NoValue"}:
            return nothing
        if "Fn::If" in value:
            name, then, otherwise = value["Fn::If"]
            return decide(then if holds(plain["Conditions"][name]) else otherwise)
        pairs = ((key, decide(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not nothing}

    wanted = plain["Resources"].items()
    present = {name: r for name, r in wanted if "Condition" not in r or holds({"Condition": r["Condition"]})}
    return {**plain, "Resources": {name: decide(resource) for name, resource in present.items()}}


def emulated(plain):
    """The template without what the emulator cannot create; what refers to it gets a name that looks like one."""
    gone = {name for name, resource in plain["Resources"].items() if resource["Type"].startswith(NOT_EMULATED)}

    def stand_in(value):
        if isinstance(value, list):
            return [stand_in(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value == {"Ref": "Bus"}:
            # It gives the bus itself in place of its name, which is the stack's.
            return STACK
        if value.get("Ref") in gone:
            return value["Ref"]
        if value.get("Fn::GetAtt", [None])[0] in gone:
            return f"arn:aws:stand-in:{REGION}:123456789012:{value['Fn::GetAtt'][0]}"
        if isinstance(value.get("Fn::Sub"), str):
            for name in gone:
                value = {"Fn::Sub": value["Fn::Sub"].replace("${%s}" % name, name)}
        return {key: stand_in(item) for key, item in value.items()}

    def kept(resource):
        depends = resource.get("DependsOn", [])
        depends = [name for name in ([depends] if isinstance(depends, str) else depends) if name not in gone]
        return {**stand_in(resource), "DependsOn": depends}

    resources = {name: kept(resource) for name, resource in plain["Resources"].items() if name not in gone}
    outputs = {name: stand_in(output) for name, output in plain.get("Outputs", {}).items() if "Condition" not in output}
    return {**plain, "Resources": resources, "Outputs": outputs}


def client(endpoint, service):
    return boto3.client(
        service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id="proof", aws_secret_access_key="proof"
    )


def make_secret(endpoint):
    """The database's secret, into which the test puts the login of its own database; its ARN."""
    return client(endpoint, "secretsmanager").create_secret(Name="almanac-database", SecretString="{}")["ARN"]


def upload_code(endpoint):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("bootstrap", "#!/bin/sh\n")
    s3 = client(endpoint, "s3")
    s3.create_bucket(Bucket=CODE, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=CODE, Key="function.zip", Body=archive.getvalue())


def of_type(plain, kind):
    return [name for name, resource in plain["Resources"].items() if resource["Type"] == kind]


def faults_of_schedules(plain):
    """What a schedule of the translated template lacks: it fires a function of this stack with the event that is kept for
    reading, in a zone, and what it cannot hand over has a queue to go to."""
    resources = plain["Resources"]

    def points_to(value, kind):
        name = value.get("Fn::GetAtt", [None])[0] if isinstance(value, dict) else None
        return resources.get(name) if name in of_type(plain, kind) else None

    for name in of_type(plain, "AWS::Scheduler::Schedule"):
        schedule = resources[name]["Properties"]
        target = schedule["Target"]
        function = points_to(target["Arn"], "AWS::Lambda::Function")
        if not function:
            yield f"the function of {name}"
            continue
        job = function["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        with open(f"events/{job}.json", encoding="utf-8") as file:
            if json.load(file).keys() != json.loads(target["Input"]).keys():
                yield f"the fields of events/{job}.json in what {name} hands over"
        if not points_to(target.get("DeadLetterConfig", {}).get("Arn"), "AWS::SQS::Queue"):
            yield f"dead letters of {name}"
        if not points_to(target["RoleArn"], "AWS::IAM::Role"):
            yield f"the role of {name}"
        if not schedule.get("ScheduleExpressionTimezone"):
            yield f"the zone of {name}"


def stop_mappings(lambdas):
    """Switches the emulator's mappings off; what they say, by the name of the queue."""
    said = {}
    for mapping in lambdas.list_event_source_mappings()["EventSourceMappings"]:
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        said[mapping["EventSourceArn"].rsplit(":", 1)[1]] = {
            "function": mapping["FunctionArn"].rsplit(":", 1)[1],
            "queue_arn": mapping["EventSourceArn"],
            "batch_size": mapping["BatchSize"],
            "window_seconds": mapping.get("MaximumBatchingWindowInSeconds") or 0,
            "most_at_once": mapping["ScalingConfig"]["MaximumConcurrency"],
        }
    return said


def count_on(sqs, queues):
    """Lets a queue of dead letters keep them: the emulator goes on counting a message's receives where SQS begins anew, and
    would take each dead letter for twice dead. `queues` are the URLs by ARN."""

    def policy(url):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
        return json.loads(attributes.get("RedrivePolicy", "{}"))

    policies = {arn: policy(url) for arn, url in queues.items()}
    for before in filter(None, policies.values()):
        letters = before["deadLetterTargetArn"]
        own = policies.get(letters)
        if own:
            longer = {**own, "maxReceiveCount": int(own["maxReceiveCount"]) + int(before["maxReceiveCount"])}
            sqs.set_queue_attributes(QueueUrl=queues[letters], Attributes={"RedrivePolicy": json.dumps(longer)})


def subscribe_queues(sns, plain, made, arns):
    """Subscribes the queues that the template subscribes: the emulator's CloudFormation leaves subscriptions out."""
    for name in of_type(plain, "AWS::SNS::Subscription"):
        properties = plain["Resources"][name]["Properties"]
        if properties["Protocol"] == "sqs":
            sns.subscribe(
                TopicArn=made[properties["TopicArn"]["Ref"]],
                Protocol="sqs",
                Endpoint=arns[made[properties["Endpoint"]["Fn::GetAtt"][0]].rsplit("/", 1)[1]],
                Attributes={"RawMessageDelivery": str(properties["RawMessageDelivery"]).lower()},
            )


def lead_rules_to_queues(events, sqs, bus):
    """Puts a queue in the place of each function that a rule of the bus leads to; the queues, by the function's name."""
    led = {}
    for rule in events.list_rules(EventBusName=bus)["Rules"]:
        for target in events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]:
            function = target["Arn"].rsplit(":", 1)[1]
            url = sqs.create_queue(QueueName=f"{function}-fired")["QueueUrl"]
            arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            # A target of the same id takes the other's place.
            events.put_targets(Rule=rule["Name"], EventBusName=bus, Targets=[{"Id": target["Id"], "Arn": arn}])
            led[function] = url
    return led


def main(endpoint, outputs):
    # SAM's transform asks the session for it.
    os.environ["AWS_DEFAULT_REGION"] = REGION
    PARAMETERS["DatabaseSecret"] = make_secret(endpoint)
    plain = decided(translated(read_template("template.yaml")))
    upload_code(endpoint)
    cloud = client(endpoint, "cloudformation")
    cloud.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(emulated(plain)),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()],
    )
    status = cloud.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    if status != "CREATE_COMPLETE":
        sys.exit(f"the stack is {status}")
    pages = cloud.get_paginator("list_stack_resources").paginate(StackName=STACK)
    made = {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}
    missing, looked_at = [], {"AWS::Scheduler::Schedule"}

    def exist(kind, there):
        """Every resource of that type is known to its own service, by the physical id or a part of it."""
        names = of_type(plain, kind)
        looked_at.add(kind)
        for name in names:
            if not made.get(name) or not any(made[name] in item for item in there):
                missing.append(f"{kind} {name}")
        print(f"{len(names):3}  {kind}")

    sqs, events = client(endpoint, "sqs"), client(endpoint, "events")
    lambdas, sns = client(endpoint, "lambda"), client(endpoint, "sns")
    queues = {url.rsplit("/", 1)[1]: url for url in sqs.list_queues().get("QueueUrls", [])}
    # Its CloudFormation names a queue by an URL in AWS, its SQS by one of its own.
    made = {name: queues.get(physical.rsplit("/", 1)[-1], physical) for name, physical in made.items()}
    # It gives the bus no physical id; the template calls it as the stack.
    made["Bus"] = STACK
    exist("AWS::SQS::Queue", queues.values())
    exist("AWS::SNS::Topic", [topic["TopicArn"] for topic in sns.list_topics()["Topics"]])
    exist("AWS::S3::Bucket", [bucket["Name"] for bucket in client(endpoint, "s3").list_buckets()["Buckets"]])
    exist("AWS::Lambda::Function", [item["FunctionName"] for item in lambdas.list_functions()["Functions"]])
    exist("AWS::Lambda::EventSourceMapping", [m["UUID"] for m in lambdas.list_event_source_mappings()["EventSourceMappings"]])
    buses = [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]
    exist("AWS::Events::EventBus", buses)
    rules = [rule["Name"] for bus in buses for rule in events.list_rules(EventBusName=bus)["Rules"]]
    exist("AWS::Events::Rule", rules)
    exist("AWS::IAM::Role", [role["RoleName"] for role in client(endpoint, "iam").list_roles()["Roles"]])
    exist("AWS::KMS::Alias", [alias["AliasName"] for alias in client(endpoint, "kms").list_aliases()["Aliases"]])
    exist("AWS::Logs::LogGroup", [g["logGroupName"] for g in client(endpoint, "logs").describe_log_groups()["logGroups"]])

    arns = {name: f"arn:aws:sqs:{REGION}:123456789012:{url.rsplit('/', 1)[1]}" for name, url in queues.items()}
    for name in of_type(plain, "AWS::SQS::Queue"):
        attributes = sqs.get_queue_attributes(QueueUrl=made[name], AttributeNames=["All"])["Attributes"]
        redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
        if redrive.get("deadLetterTargetArn") not in arns.values() and name not in LAST:
            missing.append(f"dead letters of {name}")
    for mapping in lambdas.list_event_source_mappings()["EventSourceMappings"]:
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            missing.append(f"the response type of the mapping from {mapping['EventSourceArn'].rsplit(':', 1)[1]}")

    missing += faults_of_schedules(plain)
    print(f"{len(of_type(plain, 'AWS::Scheduler::Schedule')):3}  AWS::Scheduler::Schedule (read in the translated template)")
    others = {resource["Type"] for resource in plain["Resources"].values()} - looked_at
    print(f"     not looked at: {', '.join(sorted(others))}")
    for line in missing:
        print(f"missing: {line}", file=sys.stderr)
    addresses = {name: made[name] for name in of_type(plain, "AWS::SQS::Queue") + ["AlertsTopic", "FeedbackTopic", "Objects"]}
    environments = {f["FunctionName"]: f["Environment"]["Variables"] for f in lambdas.list_functions()["Functions"]}
    subscribe_queues(client(endpoint, "sns"), plain, made, arns)
    count_on(sqs, {arns[name]: url for name, url in queues.items()})
    told = {
        "region": REGION,
        "stack": STACK,
        "bus": made["Bus"],
        "addresses": addresses,
        "environments": environments,
        "mappings": stop_mappings(lambdas),
        "fired": lead_rules_to_queues(events, sqs, STACK),
    }
    with open(outputs, "w", encoding="utf-8") as file:
        json.dump(told, file, indent=2)
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
