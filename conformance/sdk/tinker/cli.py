"""The command-line tool of the SDK."""

import json

from bench import BASE, BOTH, KEY, examples
from harness import among, case, same


def _json(bench, *arguments):
    code, out, err = bench.cli("-f", "json", *arguments)
    assert code == 0, f"exit {code}: {err}"
    return json.loads(out)


@case("cli.version/printed", on=BOTH)
def _(bench):
    among("0.38.0", bench.cli("version")[1])


@case("cli.auth/login_status_logout", on=BOTH)
def _(bench):
    code, out, err = bench.cli("auth", "login", key=None, stdin=f"{KEY}\n")
    same((code, err), (0, err))
    among("@example.com", out)
    among("yes", bench.cli("auth", "status", key=None)[1])
    same(bench.cli("auth", "logout", key=None)[0], 0)
    same(bench.cli("auth", "status", key=None)[0], 1)


@case("cli.model/list", on=BOTH)
def _(bench):
    models = _json(bench, "model", "list", "llama")["models"]
    among(BASE, [model["model_name"] for model in models])


@case("cli.run/list_and_info", on=BOTH)
def _(bench):
    run = bench.train().get_info().model_id
    same([r["training_run_id"] for r in _json(bench, "run", "list")["runs"]], [run])
    same(_json(bench, "run", "info", run)["base_model"], BASE)
    same(bench.cli("run", "info", "nobody")[0], 1)


@case("cli.checkpoint/list_info_publish_ttl_delete", on=BOTH)
def _(bench):
    client = bench.train()
    path = client.save_state("a").result().path
    run = client.get_info().model_id
    same(len(_json(bench, "checkpoint", "list")["checkpoints"]), 1)
    same(_json(bench, "checkpoint", "list", "--run-id", run)["run_id"], run)
    same(_json(bench, "checkpoint", "info", path)["lora_rank"], 8)
    for arguments in (["publish", path], ["unpublish", path], ["set-ttl", path, "--ttl", "3600"]):
        same(bench.cli("checkpoint", *arguments), (0, "", ""))
    same(_json(bench, "checkpoint", "delete", path, "-y")["deleted_count"], 1)


@case("cli.checkpoint/download", on=BOTH)
def _(bench):
    client = bench.train()
    for path in (
        client.save_state("a").result().path, client.save_weights_external("b").result().path
    ):
        done = _json(bench, "checkpoint", "download", path)
        folder = bench.home / done["destination"]
        among("adapter_model.safetensors", [file.name for file in folder.iterdir()])


@case("cli.billing/usage_and_storage", on=BOTH)
def _(bench):
    client = bench.train()
    client.forward_backward(examples(), "cross_entropy").result()
    client.save_state("a").result()
    import datetime

    hour = datetime.datetime.now(datetime.UTC).replace(minute=0, second=0, microsecond=0)
    end = hour + datetime.timedelta(hours=2)
    usage = _json(bench, "billing", "usage", hour.isoformat(), end.isoformat())
    among("training", json.dumps(usage["data"]))
    same(len(_json(bench, "billing", "checkpoint-storage")["data"]), 1)


@case("cli.session/export_trace", on=BOTH)
def _(bench):
    session = bench.train().get_info().model_id.split(":")[0]
    done = _json(bench, "session", "export-trace", session)
    assert (bench.home / done["destination"]).is_file()
