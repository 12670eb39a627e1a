"""Measures a sleeping model with MLPerf's loadgen: python -m tests.loadgen SCENARIO FOLDER SECONDS QUERIES"""
import sys
import threading
import time

import mlperf_loadgen as lg

scenario, folder, delay, queries = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])


def answer(samples):
    for s in samples:
        time.sleep(delay / 2)
        if scenario == "Server":
            lg.FirstTokenComplete([lg.QuerySampleResponse(s.id, 0, 0, 1)])
        time.sleep(delay / 2)
        lg.QuerySamplesComplete([lg.QuerySampleResponse(s.id, 0, 0, 8)])


def issue(samples):
    if scenario == "Server":
        threading.Thread(target=answer, args=(samples,)).start()
    else:
        answer(samples)


settings = lg.TestSettings()
settings.scenario = getattr(lg.TestScenario, scenario)
settings.mode = lg.TestMode.PerformanceOnly
settings.min_duration_ms = 1000
settings.min_query_count = queries
settings.single_stream_expected_latency_ns = 3_000_000
settings.server_target_qps = 30
settings.server_target_latency_ns = 50_000_000
settings.use_token_latencies = scenario == "Server"
settings.ttft_latency = 2_000_000_000
settings.tpot_latency = 100_000_000
sut = lg.ConstructSUT(issue, lambda: None)
qsl = lg.ConstructQSL(64, 64, lambda s: None, lambda s: None)
log = lg.LogSettings()
log.log_output.outdir = folder
log.log_output.copy_summary_to_stdout = False
lg.StartTestWithLogSettings(sut, qsl, settings, log)
lg.DestroyQSL(qsl)
lg.DestroySUT(sut)
