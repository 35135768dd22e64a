import { SessionStore, type SessionStoreOptions } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { remoteBackend } from '../helpers/remote-backend.js';
import { backendContract, CONTRACT_TIMEOUTS, type OpenBackend } from './backend-contract.js';
import { CONTRACT_USER_LIMIT, userLimitContract, type AtLimit } from './user-limit-contract.js';

function openStore(options: SessionStoreOptions = {}): OpenBackend {
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  const store = new SessionStore({ ...CONTRACT_TIMEOUTS, ...options, clock });
  return { backend: store.backend, advance: (by) => clock.advance(by), close: () => store.close() };
}

backendContract(test, 'native', () => openStore(), {
  synchronous: true,
  cookieReader: true,
  loneSurrogates: true,
  users: true,
});

backendContract(
  test,
  'native behind a network',
  () => {
    const opened = openStore();
    return { ...opened, backend: remoteBackend(opened.backend) };
  },
  { synchronous: false, cookieReader: false, loneSurrogates: true, users: true },
);

const limited = (onMaxSessionsPerUser: AtLimit): OpenBackend =>
  openStore({ maxSessionsPerUser: CONTRACT_USER_LIMIT, onMaxSessionsPerUser });

userLimitContract(test, 'native', limited);

userLimitContract(test, 'native behind a network', (atLimit) => {
  const opened = limited(atLimit);
  return { ...opened, backend: remoteBackend(opened.backend) };
});
