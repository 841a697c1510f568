// What the scripts of this folder share: an open loop of calls of one method, judged by the budgets.
//
// Settings, each as `k6 run -e NAME=value`:
//   ADDRESS          host:port of the service
//   REQUEST          absolute path of a request as JSON (`python -m loadtest.k6 requests` writes some)
//   RATE             calls a second, whatever becomes of those before (default 50)
//   DURATION         for how long (default 30s)
//   CALLERS          connections, and calls in flight at most (default 20)
//   AUTHORITY, CERTIFICATE, KEY   PEM files for TLS, absolute paths; without AUTHORITY: plain text
//   TOKEN            says who calls, over TLS
import { check } from 'k6';
import grpc from 'k6/net/grpc';

const read = (path) => (path ? open(path) : undefined);
const folder = (path) => import.meta.resolve(path).replace(/^file:\/\//, '');

const request = JSON.parse(open(__ENV.REQUEST));
const thresholds = JSON.parse(open(import.meta.resolve('./thresholds.json')));
const tls = { cacerts: read(__ENV.AUTHORITY), cert: read(__ENV.CERTIFICATE), key: read(__ENV.KEY) };
const given = Object.fromEntries(Object.entries(tls).filter(([, pem]) => pem));
const connection = { timeout: '10s', ...(__ENV.AUTHORITY ? { tls: given } : { plaintext: true }) };
const metadata = __ENV.TOKEN ? { authorization: `Bearer ${__ENV.TOKEN}` } : {};
const client = new grpc.Client();

// Loads the contract of a service; `file` is its path below protos/.
export const load = (file) => client.load([folder('../../protos/')], file);

export const options = {
  scenarios: {
    calls: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE || 50),
      timeUnit: '1s',
      duration: __ENV.DURATION || '30s',
      preAllocatedVUs: Number(__ENV.CALLERS || 20),
    },
  },
  summaryTrendStats: ['min', 'med', 'p(90)', 'p(99)', 'max'],
  thresholds,
};

// Calls a method once; `answered` says whether an answer is one.
export function call(method, answered) {
  if (__ITER === 0) {
    client.connect(__ENV.ADDRESS, connection);
  }
  const answer = client.invoke(method, request, { metadata, timeout: '10s' });
  check(answer, { answered: ({ status, message }) => status === grpc.StatusOK && answered(message) });
}
