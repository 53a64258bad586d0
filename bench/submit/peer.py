#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPython's pools, each with one worker process, for bench_submit: reads lines "WHAT NUMBER" and answers each with ns
per task. pool and executor are called one task at a time (the median of NUMBER calls); pool-all and executor-all get
NUMBER tasks, and then the results are taken.
"""

import concurrent.futures
import multiprocessing
import statistics
import sys
import time


def no_op(x):
    return x + 1


def one_at_a_time(call, number):
    times = []
    for _ in range(number + 1):
        begin = time.perf_counter_ns()
        right = call(7) == 8
        times.append(time.perf_counter_ns() - begin)
        assert right
    return statistics.median(times[1:])


def all_at_once(submit, result, number):
    result(submit(7))  # the worker runs
    begin = time.perf_counter_ns()
    tasks = [submit(x) for x in range(number)]
    total = sum(result(task) for task in tasks)
    spent = time.perf_counter_ns() - begin
    assert total == number * (number + 1) // 2
    return spent / number


def measure(what, number):
    if what.startswith("pool"):
        with multiprocessing.Pool(1) as pool:
            if what == "pool":
                return one_at_a_time(lambda x: pool.apply(no_op, (x,)), number)
            return all_at_once(lambda x: pool.apply_async(no_op, (x,)), lambda task: task.get(), number)
    with concurrent.futures.ProcessPoolExecutor(1) as executor:
        if what == "executor":
            return one_at_a_time(lambda x: executor.submit(no_op, x).result(), number)
        return all_at_once(lambda x: executor.submit(no_op, x), lambda task: task.result(), number)


if __name__ == "__main__":
    for line in sys.stdin:
        what, number = line.split()
        print(measure(what, int(number)), flush=True)
