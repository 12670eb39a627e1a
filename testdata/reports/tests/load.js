import http from 'k6/http';
import { check, group } from 'k6';
import { Trend, Gauge } from 'k6/metrics';

const tokens = new Trend('tokens');
const wait = new Trend('queue_wait', true);
const memory = new Gauge('gpu_memory_mib');

export const options = {
  vus: 4,
  iterations: 200,
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99.9)', 'count'],
  thresholds: {
    http_req_duration: ['p(95)<5', 'avg<2000'],
    'http_req_duration{expected_response:true}': ['max<5000'],
    http_req_failed: ['rate<0.5'],
  },
};

export default function () {
  group('predict', () => {
    const res = http.post('http://127.0.0.1:8123/predict', JSON.stringify({ x: 2.5 }));
    check(res, { 'status is 200': (r) => r.status === 200 });
    tokens.add(res.body.length);
    wait.add(res.timings.waiting);
    memory.add(512);
  });
}
