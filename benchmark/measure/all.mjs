// The measurements by name, in the order of docs/internals/laboratory.md.
import { run as callFloor } from './call-floor.mjs';
import { run as durable } from './durable.mjs';
import { run as expiry } from './expiry.mjs';
import { run as http } from './http.mjs';
import { run as keys } from './keys.mjs';
import { run as middleware } from './middleware.mjs';
import { run as paired } from './paired.mjs';
import { run as profile } from './profile.mjs';
import { run as recovery } from './recovery.mjs';
import { run as residence } from './residence.mjs';
import { run as steps } from './steps.mjs';
import { run as store } from './store.mjs';
import { run as users } from './users.mjs';
import { run as workers } from './workers.mjs';

export const measurements = {
  'call-floor': callFloor,
  store,
  users,
  middleware,
  keys,
  profile,
  http,
  steps,
  residence,
  expiry,
  durable,
  recovery,
  workers,
  paired,
};
