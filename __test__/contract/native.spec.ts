import { SessionStore } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { remoteBackend } from '../helpers/remote-backend.js';
import { backendContract, CONTRACT_TIMEOUTS, type OpenBackend } from './backend-contract.js';

function openStore(): OpenBackend {
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  const store = new SessionStore({ ...CONTRACT_TIMEOUTS, clock });
  return { backend: store.backend, advance: (by) => clock.advance(by), close: () => store.close() };
}

backendContract(test, 'native', openStore, { synchronous: true, cookieReader: true, loneSurrogates: true });

backendContract(
  test,
  'native behind a network',
  () => {
    const opened = openStore();
    return { ...opened, backend: remoteBackend(opened.backend) };
  },
  { synchronous: false, cookieReader: false, loneSurrogates: true },
);
