"""Executes notebooks in place with the kernel they name: notebooks.py NOTEBOOK...

Ends with 1 at the first cell that fails or shows nothing. What changes from one execution to the next
(times, counters) is left out of what is written, so that the same results give the same file.
"""

import sys
from queue import Empty

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbclient.util import run_sync

SECONDS_PER_CELL = 240
LATE = ("execute_result", "display_data", "update_display_data", "stream")


def wait_until_heard(client):
    """The kernel publishes to whoever listens already: what it says before that is lost without a word."""
    for _ in range(60):
        client.kc.execute("0", store_history=False)
        if heard(client):
            return
    sys.exit("The kernel could not be heard.")


def heard(client):
    read = run_sync(client.kc.get_iopub_msg)
    messages = 0
    try:
        while True:
            read(timeout=1)
            messages += 1
    except Empty:
        return messages > 0


def execute(path):
    notebook = nbformat.read(path, as_version=4)
    folder = path.rpartition("/")[0] or "."
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        record_timing=False,
        resources={"metadata": {"path": folder}},
    )
    number = 0
    with client.setup_kernel():
        wait_until_heard(client)
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            number += 1
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                sys.exit(f"{path}: cell {number} failed.\n{error}")
            listen_on(client, cell, index)
            if not any(shows(output) for output in cell.outputs):
                sys.exit(f"{path}: cell {number} shows nothing.")
            settle(cell, number)
    nbformat.write(notebook, path)


def listen_on(client, cell, index):
    """Deno's kernel may say that it is idle before the last result is out; nbclient has left by then."""
    read = run_sync(client.kc.get_iopub_msg)
    try:
        while True:
            message = read(timeout=0.3)
            if message["msg_type"] in LATE:
                client.process_message(message, cell, index)
    except Empty:
        return


def shows(output):
    if output.output_type == "stream":
        return output.text.strip() != ""
    return any("".join(value).strip() != "" for value in output.get("data", {}).values())


def settle(cell, number):
    cell.metadata.pop("execution", None)
    cell.execution_count = number
    for output in cell.outputs:
        output.pop("transient", None)
        if output.output_type == "execute_result":
            output.execution_count = number


for given in sys.argv[1:]:
    execute(given)
