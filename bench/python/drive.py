"""Adds a column to a CSV by one of the Python systems, as its own documentation says; prints what it took.

drive.py SYSTEM INPUT OUTPUT: the service's address and key are in OPENAI_BASE_URL and OPENAI_API_KEY.
"""

import asyncio
import csv
import json
import os
import resource
import sys
import tempfile
import time
from importlib.metadata import version

system, source, target = sys.argv[1:4]
MODEL = "gpt-4o-mini"
# Requests in one batch of OpenAI's.
MOST = 50_000
URL = os.environ["OPENAI_BASE_URL"]


def prompt_of(row):
    return f"Is this review praise, blame or neither?\n\n{row['review']}"


def read():
    with open(source, newline="", encoding="utf8") as file:
        return list(csv.DictReader(file))


def write(rows, answers):
    with open(target, "w", newline="", encoding="utf8") as file:
        writer = csv.writer(file)
        writer.writerow([*rows[0].keys(), "answer"])
        for row, answer in zip(rows, answers, strict=True):
            writer.writerow([*row.values(), answer])


def said(line):
    return line["response"]["body"]["choices"][0]["message"]["content"]


def lm_deluge():
    from lm_deluge import LLMClient
    from lm_deluge import batches

    # Its batches know one host alone, by its address in the source, which the bench has replaced.
    async def run(rows):
        client = LLMClient(MODEL, max_new_tokens=50)
        ids = await client.submit_batch_job([prompt_of(row) for row in rows])
        # 30 seconds between looks would be all that is measured.
        return await batches.wait_for_batch_completion_async(ids, "openai", poll_interval=1)

    def work():
        rows = read()
        results = asyncio.run(run(rows))
        lines = [line for some in results for line in (some if isinstance(some, list) else [some])]
        write(rows, [said(line) for line in lines])

    return work


def openai_batch():
    from io import BytesIO

    from openai_batch import Batch
    from openai_batch.providers import get_provider_by_base_url

    # Given a path, as its documentation has it, it reads a file that it has closed; a buffer of bytes it fills
    # with text. This one takes both, and holds the requests in memory.
    class Requests(BytesIO):
        def write(self, text):
            return super().write(text.encode("utf8") if isinstance(text, str) else text)

    def work():
        rows = read()
        folder = tempfile.mkdtemp()
        provider = get_provider_by_base_url(URL)
        provider.api_key = os.environ["OPENAI_API_KEY"]
        answers = []
        # One batch takes no more than the provider does; what follows is left to its caller.
        most = provider.batch_input_max_requests
        batches = []
        for first in range(0, len(rows), most):
            batch = Batch(
                submission_input_file=Requests(),
                output_file=os.path.join(folder, f"out-{first}.jsonl"),
                error_file=os.path.join(folder, f"errors-{first}.jsonl"),
                provider=provider,
            )
            for row in rows[first : first + most]:
                batch.add_to_batch(
                    model=MODEL,
                    max_completion_tokens=50,
                    messages=[{"role": "user", "content": prompt_of(row)}],
                )
            batch.submit()
            batches.append(batch)
        for batch in batches:
            while batch.status().status not in ("completed", "failed", "expired", "cancelled"):
                time.sleep(0.1)
            output, _ = batch.download()
            some = [None] * batch.n_requests
            with open(output, encoding="utf8") as file:
                for line in map(json.loads, file):
                    some[int(line["custom_id"].rsplit("-", 1)[-1]) - 1] = said(line)
            answers += some
        write(rows, answers)

    return work


def instructor():
    from instructor.batch import BatchProcessor
    from pydantic import BaseModel

    class Review(BaseModel):
        label: str

    def work():
        rows = read()
        processor = BatchProcessor(f"openai/{MODEL}", Review)
        folder = tempfile.mkdtemp()
        batches = []
        # It makes one file of all that it is given; what fits into a batch is left to its caller.
        for first in range(0, len(rows), MOST):
            path = os.path.join(folder, f"in-{first}.jsonl")
            some = rows[first : first + MOST]
            asked = [[{"role": "user", "content": prompt_of(row)}] for row in some]
            processor.create_batch_from_messages(asked, file_path=path, max_tokens=50)
            batches.append((first, processor.submit_batch(path)))
        answers = [None] * len(rows)
        for first, batch in batches:
            while (status := processor.get_batch_status(batch)["status"]) != "completed":
                if status in ("failed", "expired", "cancelled"):
                    raise RuntimeError(f"the batch {status}")
                time.sleep(0.1)
            for result in processor.retrieve_results(batch):
                at = first + int(result.custom_id.rsplit("-", 1)[-1])
                answers[at] = result.result.label
        write(rows, answers)

    return work


def llm_batch_py():
    import polars
    from llm_batch_py import (
        BatchConfig,
        LockConfig,
        OpenAIConfig,
        ResultCacheStoreConfig,
        Runner,
        StructuredOutputJob,
        structured_template,
    )
    from pydantic import BaseModel, ConfigDict

    # Strict mode takes no schema that leaves other members open, which its documentation does not say.
    class Review(BaseModel):
        model_config = ConfigDict(extra="forbid")
        label: str

    def work():
        build = structured_template(
            system="Return JSON only.",
            messages="Is this review praise, blame or neither?\n\n{{ row.review }}",
            name="build",
            version="v1",
        )
        job = StructuredOutputJob(
            name="reviews",
            key_cols=["id"],
            input_df=polars.read_csv(source),
            prompt_builder=build,
            output_model=Review,
            provider=OpenAIConfig(model=MODEL, base_url=URL, api_key=os.environ["OPENAI_API_KEY"]),
            result_cache=ResultCacheStoreConfig(root_uri=tempfile.mkdtemp()),
            lock=LockConfig(ttl_seconds=3600),
            batch=BatchConfig(batch_size=50_000),
        )
        runner = Runner()
        # A run submits, or takes what is ready: its documentation has it called again by a timer.
        for _ in range(600):
            frame = runner.run(job, metadata_columns=["llm_batch_py_status"])
            if frame["label"].null_count() == 0:
                break
            time.sleep(0.1)
        frame.write_csv(target)

    return work


def batchata():
    from batchata import Batch

    def work():
        rows = read()
        batch = Batch(
            results_dir=tempfile.mkdtemp(), max_parallel_batches=2, items_per_batch=MOST
        ).set_default_params(model="gpt-4o-mini-2024-07-18")
        batch.set_verbosity("error")
        for row in rows:
            batch.add_job(messages=[{"role": "user", "content": prompt_of(row)}], max_tokens=50)
        # It names its jobs by 32 random bits, in the order in which they were added.
        order = {job.id: at for at, job in enumerate(batch.jobs)}
        if len(order) < len(rows):
            print(f"{len(rows) - len(order)} jobs have another's id", file=sys.stderr)
        results = batch.run().results()
        failed = results["failed"]
        if failed:
            raise RuntimeError(f"{len(failed)} of {len(rows)} jobs failed: {failed[0].error}")
        answers = [None] * len(rows)
        for result in results["completed"]:
            answers[order[result.job_id]] = result.raw_response
        write(rows, answers)

    return work


DISTRIBUTIONS = {
    "batchata": batchata,
    "lm-deluge": lm_deluge,
    "openai-batch": openai_batch,
    "instructor": instructor,
    "llm-batch-py": llm_batch_py,
}
work = DISTRIBUTIONS[system]()
start = time.perf_counter()
work()
seconds = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_SELF)
print(
    "\n"
    + json.dumps(
        {
            "version": version(system),
            "seconds": seconds,
            "cpuSeconds": usage.ru_utime + usage.ru_stime,
            "peakMB": usage.ru_maxrss / 1024,
        }
    )
)
