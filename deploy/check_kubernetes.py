#!/usr/bin/env python3
"""Checks what no schema of Kubernetes does: that the rendered objects of a folder fit each other and normd's flags.

Reads what `kubectl kustomize` prints. Prints every mistake; exit status 1 where there is one.
"""

import re
import sys

import yaml

objects = [o for o in yaml.safe_load_all(sys.stdin) if o]
mistakes = []


def check(condition, mistake):
    if not condition:
        mistakes.append(mistake)


def of(kind):
    return [o for o in objects if o["kind"] == kind]


def seconds(flag):
    return sum(float(n) * {"s": 1, "m": 60, "h": 3600}[unit] for n, unit in re.findall(r"([0-9.]+)([smh])", flag))


def named(o):
    return f"{o['kind']}/{o['metadata']['name']}"


(deployment,) = of("Deployment")
pod = deployment["spec"]["template"]["spec"]
labels = deployment["spec"]["template"]["metadata"]["labels"]
(container,) = pod["containers"]
ports = {port["name"]: port["containerPort"] for port in container["ports"]}


def selects(selector, who):
    check(selector and selector.items() <= labels.items(), f"{who} does not select normd's pods: {selector}")


def check_flags():
    (flags_map,) = of("ConfigMap")
    lines = flags_map["data"]["normd.flags"].splitlines()
    flags = dict(line[2:].partition("=")[::2] for line in lines if line.startswith("--"))
    check(flags["listen"] == f"0.0.0.0:{ports['grpc']}", f"--listen is {flags['listen']}")
    check(flags["admin_listen"] == f"0.0.0.0:{ports['admin']}", f"--admin_listen is {flags['admin_listen']}")
    check(("tls_cert" in flags) != ("allow_plaintext" in flags), "neither TLS nor plaintext, or both")
    drain = seconds(flags["drain_delay"]) + seconds(flags["drain_timeout"])
    check(pod["terminationGracePeriodSeconds"] >= drain + 5, f"a drain takes {drain} s, the pod is killed before")
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    check(mounts.keys() == volumes.keys(), "volumes and mounts differ")
    check(mounts["flags"] == "/etc/normd", "the flags are not where the image's ENTRYPOINT reads them")
    check(volumes["flags"]["configMap"]["name"] == flags_map["metadata"]["name"], "the flags' map is another")
    for name, path in flags.items():
        if name.startswith("tls_") and path.startswith("/"):
            check(path.rpartition("/")[0] in mounts.values(), f"--{name}={path} is not mounted")
    memory = int(flags["max_session_bytes"]) + int(flags["max_bytes_in_flight"])
    limit = container["resources"]["limits"]["memory"]
    check(memory * 1.25 <= int(limit.removesuffix("Gi")) << 30, f"limits of {memory} bytes in {limit}")
    return flags


def check_probes(flags):
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container[name]
        check(("grpc" in probe) != ("httpGet" in probe), f"{name} has not exactly one way to ask")
        if "grpc" in probe:
            check(probe["grpc"]["port"] == ports["grpc"], f"{name} asks port {probe['grpc']['port']}")
            check("tls_cert" not in flags, f"{name}: gRPC probes speak no TLS")
        else:
            check(probe["httpGet"]["port"] in ports, f"{name} asks port {probe['httpGet']['port']}")
            path = "/readyz" if name == "readinessProbe" else "/healthz"
            check(probe["httpGet"]["path"] == path, f"{name} asks {probe['httpGet']['path']}")


def check_selectors():
    selects(deployment["spec"]["selector"]["matchLabels"], named(deployment))
    for service in of("Service"):
        selects(service["spec"]["selector"], named(service))
        for port in service["spec"]["ports"]:
            check(port["targetPort"] in ports, f"{named(service)} leads to port {port['targetPort']}")
            check(port["port"] == ports.get(port["targetPort"]), f"{named(service)} has port {port['port']}")
    check(any(s["spec"].get("clusterIP") == "None" for s in of("Service")), "no headless Service")
    for budget in of("PodDisruptionBudget"):
        selects(budget["spec"]["selector"]["matchLabels"], named(budget))
    for spread in pod["topologySpreadConstraints"]:
        selects(spread["labelSelector"]["matchLabels"], "topologySpreadConstraints")
    for policy in of("NetworkPolicy"):
        selects(policy["spec"]["podSelector"]["matchLabels"], named(policy))
        for rule in policy["spec"]["ingress"]:
            check(rule.get("from"), f"{named(policy)} lets everybody in")
            check(all(port["port"] in ports for port in rule["ports"]), f"{named(policy)} names unknown ports")
            for peer in rule["from"]:
                own = peer.get("podSelector", {}).get("matchLabels", {}).keys() & labels.keys()
                check(not own, f"{named(policy)} lets in normd's own pods")
    scalers = of("HorizontalPodAutoscaler")
    for scaler in scalers:
        target = scaler["spec"]["scaleTargetRef"]
        check(target["name"] == deployment["metadata"]["name"], f"{named(scaler)} scales {target['name']}")
    check(bool(scalers) != ("replicas" in deployment["spec"]), "neither an autoscaler nor a number of pods, or both")


def check_security():
    (account,) = of("ServiceAccount")
    check(pod["serviceAccountName"] == account["metadata"]["name"], "another service account")
    check(not account["automountServiceAccountToken"] and not pod["automountServiceAccountToken"], "a token is mounted")
    check(pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0, "may run as root")
    check(pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, "no seccomp profile")
    own = container["securityContext"]
    check(own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"], "the root file system can be written")
    check(own["capabilities"] == {"drop": ["ALL"]}, "capabilities are kept")


check_probes(check_flags())
check_selectors()
check_security()
print(*mistakes, sep="\n", end="\n" if mistakes else "")
sys.exit(1 if mistakes else 0)
