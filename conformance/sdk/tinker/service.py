"""Sessions, configuration, keys and tokens."""

import tinker
from bench import BASE, BOTH, KEY, examples
from harness import among, case, refuses, same


@case("service.create_lora_training_client/info", on=BOTH)
def _(bench):
    info = bench.train(rank=4).get_info()
    same((info.model_name, info.is_lora, info.lora_rank), (BASE, True, 4))
    among(":train:0", info.model_id)


@case("service.create_lora_training_client/unknown_model", on=BOTH)
def _(bench):
    with refuses(tinker.BadRequestError, "no/model"):
        bench.train(base_model="no/model")


@case("service.create_lora_training_client/optimizer", on=BOTH)
def _(bench):
    client = bench.train(optimizer=tinker.types.DimuonOptimizerConfig())
    same(client.get_info().optimizer_config.type, "dimuon")
    client.forward_backward(examples(), "cross_entropy").result()
    client.optim_step(tinker.types.DimuonParams(learning_rate=1e-3)).result()


@case("service.create_lora_training_client_async/info", on=BOTH, forms=("async",))
async def _(bench):
    client = await bench.service.create_lora_training_client_async(base_model=BASE, rank=8)
    same((await client.get_info_async()).lora_rank, 8)


@case("service.get_server_capabilities/models", on=BOTH)
def _(bench):
    models = bench.service.get_server_capabilities().supported_models
    among(BASE, [model.model_name for model in models])


@case("service.close/finish_is_told", on=BOTH)
def _(bench, emulator):
    bench.train()
    bench.service.close("errored", "it rained").result()
    request = emulator.last("/finish")
    same(request["body"], {"reason": {"type": "errored"}, "detail": "it rained"})
    same(request["status"], 200)


@case("service.close/the_session_is_over", on=BOTH)
def _(bench, emulator):
    session = bench.train().get_info().model_id.split(":")[0]
    emulator.order("lose_session", session_id=session)
    found = bench.rest.search_sessions(
        tinker.types.SessionSearchRequest(session_id=session)
    ).result()
    same(found.sessions[0].status.type, "cancelled")


@case("service.headers/what_is_sent", on=BOTH)
def _(bench, emulator):
    bench.train().forward_backward(examples(), "cross_entropy").result()
    request = emulator.last("/forward_backward")
    same(request["headers"]["content-type"], "application/x-protobuf")
    same(request["headers"]["x-sdk-method"], "TrainingClient.forward_backward")
    assert "x-api-key" not in request["headers"]


TOKENS = {"tinker": {"config": {"pjwt_auth_enabled": True}}}


@case("service.tokens/exchanged_and_used", on=BOTH, settings=TOKENS)
def _(bench, emulator):
    bench.train().forward_backward(examples(), "cross_entropy").result()
    same(len(emulator.requests("/auth/token")), 1)
    keys = {request["key"] for request in emulator.requests("/create_model")}
    assert keys.isdisjoint({emulator.last("/client/config")["key"]})


@case("service.tokens/replaced_when_refused", on=BOTH, settings=TOKENS)
def _(bench, emulator):
    client = bench.train()
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    emulator.script(path="/optim_step", status=401, json={"detail": "old"}, headers=challenge)
    client.optim_step(tinker.types.AdamParams()).result()
    same(len(emulator.requests("/auth/token")), 2)


@case("service.tokens/whoami", on=BOTH, settings=TOKENS)
def _(bench):
    me = bench.rest.whoami().result()
    same(me.org_urn, "tml:organization:emulator")
    among("@", me.email)


@case("service.keys/a_wrong_key_is_refused", on=BOTH, settings={"api_keys": ["tml-other"]})
def _(bench):
    with refuses(tinker.AuthenticationError, "invalid API key"):
        bench.train()


@case("service.keys/a_named_key_is_good", on=BOTH, settings={"api_keys": [KEY]})
def _(bench):
    bench.train()


@case("service.telemetry/session_start", on=BOTH)
def _(bench, emulator):
    bench.train()
    bench.service.close("success").result()
    batches = emulator.order("telemetry")["telemetry"]
    events = [event["event"] for batch in batches for event in batch["events"]]
    among("SESSION_START", events)


@case("service.get_console_url/session", on=BOTH)
def _(bench):
    bench.train()
    among("/sessions/", bench.service.get_console_url())
