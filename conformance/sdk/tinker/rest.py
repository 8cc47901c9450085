"""Lists and lookups without a session, bills and logs."""

import datetime
import urllib.request

import tinker
from bench import BASE, BOTH, examples, greedy, prompt
from harness import among, case, refuses, same
from tinker import types


@case("rest.list_training_runs/pages", on=BOTH)
def _(bench):
    ids = [bench.train().get_info().model_id for _ in range(3)]
    page = bench.rest.list_training_runs(limit=2, offset=1).result()
    same((len(page.training_runs), page.cursor.total_count), (2, 3))
    run = bench.rest.get_training_run(ids[0]).result()
    same((run.base_model, run.is_lora, run.corrupted), (BASE, True, False))
    with refuses(tinker.NotFoundError):
        bench.rest.get_training_run("nobody").result()


@case("rest.get_training_run_by_tinker_path/last_checkpoint", on=BOTH)
def _(bench):
    path = bench.train().save_state("a").result().path
    run = bench.rest.get_training_run_by_tinker_path(path).result()
    same(run.last_checkpoint.tinker_path, path)


@case("rest.sessions/listed_and_looked_up", on=BOTH)
def _(bench):
    client = bench.train()
    sampler = client.save_weights_and_get_sampling_client()
    sampler.sample(prompt(1), 1, greedy(1)).result()
    session = client.get_info().model_id.split(":")[0]
    among(session, bench.rest.list_sessions().result().sessions)
    found = bench.rest.get_session(session).result()
    same(found.training_run_ids, [client.get_info().model_id])
    same(bench.rest.get_sampler(found.sampler_ids[0]).result().base_model, BASE)


@case("rest.search_sessions/by_name_and_page", on=BOTH)
def _(bench):
    service = tinker.ServiceClient(
        base_url=bench.url, api_key="tml-conformance", display_name="Night run",
        user_metadata={"team": "ice"},
    )
    service.create_lora_training_client(base_model=BASE, rank=4).result()
    query = types.SessionSearchRequest(display_name="night", user_metadata={"team": "ice"})
    found = bench.rest.search_sessions(query).result().sessions
    same([session.display_name for session in found], ["Night run"])
    service.close("success").result()
    gone = types.SessionSearchRequest(statuses=[types.ActiveSessionStatusQuery()])
    same(bench.rest.search_sessions(gone).result().sessions, [])


@case("rest.assign_session_project/runs_follow", on=BOTH)
def _(bench):
    run = bench.train().get_info().model_id
    bench.rest.assign_session_project(run.split(":")[0], "glacier").result()
    runs = bench.rest.list_training_runs(project_id="glacier").result().training_runs
    same([found.training_run_id for found in runs], [run])


@case("rest.export_session_trace/a_file", on=BOTH)
def _(bench):
    client = bench.train()
    client.forward_backward(examples(), "cross_entropy").result()
    url = bench.rest.export_session_trace(client.get_info().model_id.split(":")[0]).result()
    with urllib.request.urlopen(url) as reply:
        among(b"forward_backward", reply.read())


@case("rest.get_server_capabilities/models", on=BOTH)
def _(bench):
    models = bench.rest.get_server_capabilities().result().supported_models
    among(BASE, [model.model_name for model in models])


@case("rest.admin/audit_bills_and_storage", on=BOTH)
def _(bench):
    client = bench.train()
    client.forward_backward(examples(), "cross_entropy").result()
    path = client.save_state("a").result().path
    bench.rest.publish_checkpoint_from_tinker_path(path).result()
    log = bench.admin.get_audit_log("checkpoints").result()
    same([e.event for e in log.entries], ["checkpoint.create", "checkpoint.publish"])
    hour = datetime.datetime.now(datetime.UTC).replace(minute=0, second=0, microsecond=0)
    usage = bench.admin.get_billing_usage(hour, hour + datetime.timedelta(hours=2)).result()
    tokens = {e.event_info.type: e for e in usage.data}
    same(tokens["training"].event_info.token_count, 24)
    storage = bench.admin.get_current_checkpoint_storage_usage().result()
    same(storage.data[0].checkpoint_count, 1)


@case("rest.access_scope/of_others", on=BOTH)
def _(bench):
    bench.train()
    other = tinker.RestClient(base_url=bench.url, api_key="tml-somebody-else")
    same(other.list_training_runs().result().training_runs, [])
    runs = other.list_training_runs(access_scope="accessible").result().training_runs
    same(len(runs), 1)
