"""Saving, loading, listing, publishing and fetching weights."""

import urllib.request

import tinker
from bench import ADAM, BASE, BOTH, END, examples, greedy, prompt
from harness import among, case, refuses, same


def _loss(client):
    return client.forward(examples(), "cross_entropy").result().metrics["loss:sum"]


@case("checkpoints.save_state/resumed_with_the_optimizer", on=BOTH)
def _(bench):
    client = bench.taught(10)
    path = client.save_state("a", user_metadata={"epoch": "1"}).result().path
    other = bench.service.create_training_client_from_state_with_optimizer(path).result()
    same(_loss(other), _loss(client))
    for one in (client, other):
        one.forward_backward(examples(), "cross_entropy").result()
        one.optim_step(ADAM).result()
    same(_loss(other), _loss(client))


@case("checkpoints.save_state/resumed_without_the_optimizer", on=BOTH)
def _(bench):
    client = bench.taught(10)
    path = client.save_state("a").result().path
    other = bench.service.create_training_client_from_state(path).result()
    same(_loss(other), _loss(client))
    for one in (client, other):
        one.forward_backward(examples(), "cross_entropy").result()
        one.optim_step(ADAM).result()
    assert _loss(other) != _loss(client)


@case("checkpoints.load_state/into_a_model", on=BOTH)
def _(bench):
    client = bench.taught(10)
    before = _loss(client)
    path = client.save_state("a").result().path
    client.forward_backward(examples(), "cross_entropy").result()
    client.optim_step(ADAM).result()
    client.load_state_with_optimizer(path).result()
    same(_loss(client), before)
    client.load_state(path).result()
    same(_loss(client), before)


@case("checkpoints.save_state/a_name_is_taken_once", on=BOTH)
def _(bench):
    client = bench.train()
    client.save_state("a").result()
    with refuses(tinker.RequestFailedError, "exists already"):
        client.save_state("a").result()
    client.save_state("a", overwrite=True, ttl_seconds=3600).result()


@case("checkpoints.save_weights_for_sampler/sampled_by_path", on=BOTH)
def _(bench):
    path = bench.taught().save_weights_for_sampler("a").result().path
    sampler = bench.service.create_sampling_client(model_path=path).result()
    drawn = sampler.sample(prompt(11, 12), 1, greedy()).result()
    same(list(drawn.sequences[0].tokens), [13, 1001, END])
    same(sampler.get_base_model(), BASE)


@case("checkpoints.load_state/the_wrong_kind", on=BOTH)
def _(bench):
    client = bench.train()
    path = client.save_weights_for_sampler("a").result().path
    with refuses(tinker.BadRequestError, "no training weights"):
        client.load_state(path).result()


@case("checkpoints.save_weights_external/files_are_fetched", on=BOTH)
def _(bench):
    path = bench.train().save_weights_external("a").result().path
    urls = bench.rest.get_external_weights_urls(path).result().urls
    same(sorted(urls), ["adapter_config.json", "adapter_model.safetensors"])
    from safetensors.numpy import load

    with urllib.request.urlopen(urls["adapter_model.safetensors"]) as reply:
        among("tokens.rows", load(reply.read()))


@case("checkpoints.list/of_a_run_and_of_all", on=BOTH)
def _(bench):
    client = bench.train()
    for name in ("a", "b", "c"):
        client.save_state(name).result()
    run = client.get_info().model_id
    found = bench.rest.list_checkpoints(run).result().checkpoints
    same(sorted(c.checkpoint_id for c in found), ["weights/a", "weights/b", "weights/c"])
    page = bench.rest.list_user_checkpoints(limit=2, offset=1).result()
    same((len(page.checkpoints), page.cursor.total_count), (2, 3))


@case("checkpoints.publish/and_back", on=BOTH)
def _(bench):
    client = bench.train()
    path = client.save_state("a").result().path
    run = client.get_info().model_id
    public = lambda: bench.rest.list_checkpoints(run).result().checkpoints[0].public
    bench.rest.publish_checkpoint_from_tinker_path(path).result()
    same(public(), True)
    bench.rest.unpublish_checkpoint_from_tinker_path(path).result()
    same(public(), False)


@case("checkpoints.ttl/set_and_removed", on=BOTH)
def _(bench):
    client = bench.train()
    path = client.save_state("a").result().path
    run = client.get_info().model_id
    expires = lambda: bench.rest.list_checkpoints(run).result().checkpoints[0].expires_at
    bench.rest.set_checkpoint_ttl_from_tinker_path(path, 7200).result()
    assert expires() is not None
    bench.rest.set_checkpoint_ttl_from_tinker_path(path, None).result()
    same(expires(), None)
    with refuses(tinker.UnprocessableEntityError, "ttl_seconds"):
        bench.rest.set_checkpoint_ttl_from_tinker_path(path, 1).result()


@case("checkpoints.delete/by_id_and_by_path", on=BOTH)
def _(bench):
    client = bench.train()
    run = client.get_info().model_id
    paths = [client.save_state(name).result().path for name in ("a", "b")]
    bench.rest.delete_checkpoint(run, "weights/a").result()
    bench.rest.delete_checkpoint_from_tinker_path(paths[1]).result()
    same(bench.rest.list_checkpoints(run).result().checkpoints, [])
    with refuses(tinker.NotFoundError):
        bench.rest.delete_checkpoint(run, "weights/a").result()


@case("checkpoints.copy_weights/into_a_project", on=BOTH)
def _(bench):
    path = bench.taught(5).save_state("a").result().path
    copy = bench.rest.copy_weights(path, destination_project_id="p").result()
    assert copy != path
    bench.service.create_training_client_from_state(copy).result()


@case("checkpoints.weights_info/of_a_path", on=BOTH)
def _(bench):
    path = bench.train(train_mlp=False).save_state("a").result().path
    info = bench.rest.get_weights_info_by_tinker_path(path).result()
    same((info.base_model, info.lora_rank, info.train_mlp), (BASE, 8, False))
