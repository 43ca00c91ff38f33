"""Checks deploy/: `checks.py ROOT URL`, with a running server at URL."""

import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
import urllib.request
from pathlib import Path

import kubernetes_validate
import yaml

ROOT, URL = Path(sys.argv[1]), sys.argv[2]
MANIFEST = ROOT / "deploy/kubernetes/tintype.yaml"
COMPOSE = ROOT / "deploy/compose/compose.yaml"
# What stands in the manifest is older than this, and later ones take it too.
KUBERNETES = "1.34"
OBJECTS = list(yaml.safe_load_all(MANIFEST.read_text()))
SERVICES = yaml.safe_load(COMPOSE.read_text())["services"]


def of_kind(kind):
    return {found["metadata"]["name"]: found for found in OBJECTS if found["kind"] == kind}


def containers():
    """The pod and the container of each deployment, with what is in its environment."""
    settings = of_kind("ConfigMap")["tintype"]["data"]
    secrets = dict(re.findall(r"--from-literal=(\w+)='?([^'\s\\]+)", MANIFEST.read_text()))
    for name, deployment in of_kind("Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        own = {variable["name"]: variable["value"] for variable in container.get("env", [])}
        yield name, pod, container, {**settings, **secrets, **own}


def nodes():
    """The services of Compose that are Tintype."""
    return {name: service for name, service in SERVICES.items() if service["image"] == "tintype"}


def settings(arguments, environment):
    """What the server makes of a command line and an environment, without being started."""
    assert arguments[0] in ("serve", "work"), arguments
    image = dict(re.findall(r"(TINTYPE_\w+)=(\S+)", (ROOT / "Dockerfile").read_text()))
    with tempfile.TemporaryDirectory() as folder:
        environment = {**image, **environment}
        named = environment.get("TINTYPE_KEYS_FILE")
        if named:
            # Not where the cluster puts it, and it must be there.
            environment["TINTYPE_KEYS_FILE"] = f"{folder}/keys.toml"
            tintype(["key", "new", "anybody", "--keys-file", f"{folder}/keys.toml"], {}, folder)
        said = tintype(["config", *arguments[1:]], environment, folder)
    values = dict(re.findall(r'^(\w+) = "?([^"\n]*?)"?(?:\s+#.*)?$', said, re.MULTILINE))
    return {**values, "keys_file": named} if named else values


def tintype(arguments, environment, folder):
    said = subprocess.run(
        [ROOT / "target/release/tintype", *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=folder, capture_output=True, text=True, check=False,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(s|m)", duration).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def the_manifest_is_what_kubernetes_takes():
    for found in OBJECTS:
        kubernetes_validate.validate(found, KUBERNETES, strict=True)


def a_word_that_kubernetes_does_not_know_is_found():
    deployment = json.loads(json.dumps(of_kind("Deployment")["tintype-work"]))
    deployment["spec"]["template"]["spec"]["containers"][0]["comand"] = ["tintype"]
    try:
        kubernetes_validate.validate(deployment, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError:
        return
    raise AssertionError("a misspelt field passes")


def every_setting_is_one_and_all_nodes_share_tasks_and_pictures():
    found = [settings(container["args"], environment) for _, _, container, environment in containers()]
    found += [settings(node.get("command", ["serve"]), node["environment"]) for node in nodes().values()]
    assert len(found) == 5, found
    for values in found:
        assert values["store"].startswith("postgres://"), values
        assert values["blobs"].startswith("s3://"), values


def a_setting_that_is_none_is_found():
    try:
        settings(["serve"], {"TINTYPE_BLOBBS": "s3://a/b"})
    except AssertionError as error:
        assert "did you mean" in str(error), error
        return
    raise AssertionError("a misspelt setting passes")


def there_are_nodes_that_accept_and_nodes_that_run():
    roles = {name: container["args"] for name, _, container, _ in containers()}
    assert roles == {"tintype-accept": ["serve", "--no-workers"], "tintype-work": ["work"]}, roles
    (service,) = of_kind("Service").values()
    chosen = service["spec"]["selector"]
    labels = of_kind("Deployment")["tintype-accept"]["spec"]["template"]["metadata"]["labels"]
    assert chosen.items() <= labels.items(), (chosen, labels)


def nobody_is_killed_while_it_drains():
    for _, pod, container, environment in containers():
        drain = seconds(settings(container["args"], environment)["drain_timeout"])
        assert pod["terminationGracePeriodSeconds"] > drain + 5, (pod, drain)
    for node in nodes().values():
        drain = seconds(settings(["serve"], node["environment"])["drain_timeout"])
        assert seconds(node["stop_grace_period"]) > drain + 5, (node, drain)


def every_mount_has_its_volume_and_every_path_its_mount():
    for name, pod, container, environment in containers():
        volumes = {volume["name"] for volume in pod["volumes"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert set(mounts.values()) == volumes, name
        values = settings(container["args"], environment)
        for path in (values["data_dir"], values["keys_file"]):
            assert any(path.startswith(mount) for mount in mounts), (name, path)
    named = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (COMPOSE.parent / source).exists() if source.startswith(".") else source in named
            assert there, (name, volume)


def what_a_service_waits_for_is_there():
    for name, service in SERVICES.items():
        for other in service.get("depends_on", []):
            assert other in SERVICES, (name, other)
    for address in SERVICES["balancer"]["command"]:
        if address.endswith(":8080") and address != ":8080":
            assert address.split(":")[0] in nodes(), address


def the_object_store_of_compose_knows_the_nodes():
    (identity,) = json.loads((COMPOSE.parent / "s3.json").read_text())["identities"]
    (credentials,) = identity["credentials"]
    for node in nodes().values():
        assert node["environment"]["AWS_ACCESS_KEY_ID"] == credentials["accessKey"]
        assert node["environment"]["AWS_SECRET_ACCESS_KEY"] == credentials["secretKey"]


def every_probe_has_an_answer():
    for _, _, container, _ in containers():
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = container[probe]["httpGet"]["path"]
            assert urllib.request.urlopen(URL + path).status == 200, path


def the_autoscaler_goes_by_a_figure_that_there_is():
    (scaler,) = of_kind("HorizontalPodAutoscaler").values()
    (metric,) = scaler["spec"]["metrics"]
    name = metric["external"]["metric"]["name"]
    figures = urllib.request.urlopen(f"{URL}/metrics").read().decode()
    assert re.search(rf"^{name} ", figures, re.MULTILINE), name
    assert name in (ROOT / "docs/deploying.md").read_text()
    target = scaler["spec"]["scaleTargetRef"]
    assert "replicas" not in of_kind(target["kind"])[target["name"]]["spec"], "two would say how many"


CHECKS = [
    the_manifest_is_what_kubernetes_takes,
    a_word_that_kubernetes_does_not_know_is_found,
    every_setting_is_one_and_all_nodes_share_tasks_and_pictures,
    a_setting_that_is_none_is_found,
    there_are_nodes_that_accept_and_nodes_that_run,
    nobody_is_killed_while_it_drains,
    every_mount_has_its_volume_and_every_path_its_mount,
    what_a_service_waits_for_is_there,
    the_object_store_of_compose_knows_the_nodes,
    every_probe_has_an_answer,
    the_autoscaler_goes_by_a_figure_that_there_is,
]
failed = 0
for check in CHECKS:
    try:
        check()
    except Exception:  # whatever is wrong is told, and the others are made all the same
        failed += 1
        print(f"{check.__name__.replace('_', ' ')}:", file=sys.stderr)
        traceback.print_exc()
print(f"{len(CHECKS) - failed} passed, {failed} failed")
sys.exit(failed > 0)
