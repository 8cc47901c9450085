"""The cost of the framework for an item, beside async-batch-llm 0.28.0, in turns on one machine.

    cargo bench -p gimmal-batch --bench overhead --no-run     (prints the program)
    pip install async-batch-llm==0.28.0
    python3 crates/batch/benches/overhead.py PROGRAM [ITEMS [ROUNDS]]

Two bare loops are run as well, both over `buffer_unordered`: one spawns a task of tokio for each item, as
the processor's own tasks are spawned, the other polls all items in the task that reads the results.
Every run is a process of its own. The median of three rounds counts; CPU seconds hardly depend on
what else the machine does, wall time does.
"""

import json
import statistics
import subprocess
import sys

THEIRS = '''
import asyncio, json, resource, sys, time, logging
logging.disable(logging.CRITICAL)
from async_batch_llm import CallableStrategy, CallOutcome, ProcessorConfig, process_prompts
strategy, workers, items = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
async def invoke(prompt, attempt, timeout, state):
    if strategy == "sleep1ms":
        await asyncio.sleep(0.001)
    return CallOutcome(output=prompt, token_usage={"input_tokens": 10, "output_tokens": 5, "total_tokens": 15})
async def main():
    config = ProcessorConfig(max_workers=workers)
    prompts = [f"prompt {i}" for i in range(items)]
    wall, cpu = time.perf_counter(), time.process_time()
    result = await process_prompts(CallableStrategy(invoke), prompts, config=config)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"mode": "process_prompts", "strategy": strategy, "workers": workers, "n": items,
        "ok": result.succeeded, "wall_s": wall, "items_per_s": items / wall,
        "cpu_s_per_1000": cpu / items * 1000, "peak_rss_mib": peak}))
asyncio.run(main())
'''


def last_line(command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    program, items = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "20000"
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    print("strategy workers | items/s ours, tasks, one task, theirs | of tasks | of one task"
          " | CPU s/1000 ours, theirs | times theirs per CPU s | MiB ours, theirs")
    for strategy in ("noop", "sleep1ms"):
        for workers in ("10", "100", "1000"):
            ours, tasks, one, theirs = [], [], [], []
            for _ in range(rounds):
                ours.append(last_line([program, "processor", strategy, workers, items]))
                tasks.append(last_line([program, "spawned", strategy, workers, items]))
                one.append(last_line([program, "buffer_unordered", strategy, workers, items]))
                theirs.append(last_line([sys.executable, "-c", THEIRS, strategy, workers, items]))
            assert all(run["ok"] == int(items) for run in ours + tasks + one + theirs)
            median = lambda runs, key: statistics.median(run[key] for run in runs)
            speed = [median(runs, "items_per_s") for runs in (ours, tasks, one, theirs)]
            cpu = [median(runs, "cpu_s_per_1000") for runs in (ours, theirs)]
            rss = [median(runs, "peak_rss_mib") for runs in (ours, theirs)]
            print(f"{strategy} {workers} | {', '.join(f'{each:.0f}' for each in speed)} "
                  f"| {speed[0] / speed[1]:.2f} | {speed[0] / speed[2]:.2f} | {cpu[0]:.4f}, {cpu[1]:.4f} | {cpu[1] / cpu[0]:.0f} "
                  f"| {rss[0]:.0f}, {rss[1]:.0f}", flush=True)


if __name__ == "__main__":
    main()
