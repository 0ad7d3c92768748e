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
    from openai_batch import Batch
    from openai_batch.providers import get_provider_by_base_url

    def work():
        rows = read()
        folder = tempfile.mkdtemp()
        provider = get_provider_by_base_url(URL)
        provider.api_key = os.environ["OPENAI_API_KEY"]
        files = {
            "submission_input_file": os.path.join(folder, "in.jsonl"),
            "output_file": os.path.join(folder, "out.jsonl"),
            "error_file": os.path.join(folder, "errors.jsonl"),
        }
        with Batch(provider=provider, **files) as batch:
            for row in rows:
                batch.add_to_batch(
                    model=MODEL,
                    max_completion_tokens=50,
                    messages=[{"role": "user", "content": prompt_of(row)}],
                )
            _, output, _ = batch.submit_wait_download(interval=0.1)
        answers = [None] * len(rows)
        with open(output, encoding="utf8") as file:
            for line in map(json.loads, file):
                answers[int(line["custom_id"].rsplit("-", 1)[-1])] = said(line)
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
        path = os.path.join(tempfile.mkdtemp(), "in.jsonl")
        asked = [[{"role": "user", "content": prompt_of(row)}] for row in rows]
        processor.create_batch_from_messages(asked, file_path=path, max_tokens=50)
        batch = processor.submit_batch(path)
        while processor.get_batch_status(batch)["status"] != "completed":
            time.sleep(0.1)
        answers = [None] * len(rows)
        for result in processor.retrieve_results(batch):
            answers[int(result.custom_id.rsplit("-", 1)[-1])] = result.result.label
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
    from pydantic import BaseModel

    class Review(BaseModel):
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


DISTRIBUTIONS = {
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
