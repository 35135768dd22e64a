// A worker thread of measure/workers.mjs.
import { parentPort, workerData } from 'node:worker_threads';
import { dataOf } from '../frame/data.mjs';
import { stores } from './stores.mjs';

const { name, ms } = workerData;
const store = await stores[name]();
const text = JSON.stringify(dataOf(300));
const ids = Array.from({ length: 10_000 }, () => store.create(text));
let calls = 0;

function work(until) {
  while (performance.now() < until) {
    for (let n = 0; n < 100; n += 1) {
      const id = ids[(calls * 31) % ids.length];
      if (n % 10 === 9) store.overwrite(id, text);
      else store.get(id);
      calls += 1;
    }
  }
}

// A warm-up: code that is compiled now is not compiled during the measurement.
work(performance.now() + ms / 2);
parentPort.once('message', () => {
  calls = 0;
  const start = performance.now();
  work(start + ms);
  parentPort.postMessage((calls / (performance.now() - start)) * 1_000);
});
parentPort.postMessage('ready');
