/** With a schema, `data` has the type that the schema makes of it. */
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { SessionManager, SessionStore, type SessionBackend, type SessionOptions, type Validated } from 'agai-session';
import { session } from 'agai-session/express';
import { same } from '../together/same.js';

const schema = z.object({ visits: z.number().default(0), since: z.coerce.date().optional() });
const withZod = new SessionManager({ data: schema });
const { data } = withZod.create();
same<typeof data.visits, number>();
same<typeof data.since, Date | undefined>();
data.since = new Date();
withZod.create().data = { visits: 1 };
// @ts-expect-error -- it is a number
withZod.create().data = { visits: '1' };
same<NonNullable<ReturnType<typeof withZod.store.get>>['data']['since'], string | undefined>();

const withValibot = new SessionManager({
  path: 'sessions.data',
  data: v.object({ cart: v.optional(v.array(v.string()), []) }),
  onInvalid: (raw: unknown) => ({ cart: [String(raw)] }),
});
same<ReturnType<typeof withValibot.create>['data']['cart'], string[]>();
const withArktype = session({ data: type({ 'theme?': "'light' | 'dark'" }), onInvalid: 'discard' });
same<ReturnType<typeof withArktype.manager.create>['data']['theme'], 'light' | 'dark' | undefined>();

declare const backend: SessionBackend;
same<ReturnType<typeof overBackend.create>['data']['visits'], number>();
const overBackend = new SessionManager({ store: backend, data: schema, onInvalid: () => ({ visits: 1 }) });
const overStore = session({ store: new SessionStore(), data: schema });
same<ReturnType<typeof overStore.manager.create>['data']['visits'], number>();
same<typeof overStore.manager.store, SessionStore>();

/** A declaration of the data of the whole program may take its type from the schema. */
export interface Data extends Validated<z.infer<typeof schema>> {}
same<ReturnType<SessionManager<Data>['create']>['data']['since'], Date | undefined>();

// @ts-expect-error -- a schema of something else than an object
session({ data: z.string() });
// @ts-expect-error -- not a schema
session({ data: { visits: 'number' } });
// @ts-expect-error -- new data must be what the schema accepts
session({ data: schema, onInvalid: () => ({ visits: 'many' }) });

declare const options: SessionOptions;
const given = new SessionManager<{ n: number }>({ ...options, data: z.object({ n: z.number().default(0) }) });
same<ReturnType<typeof given.create>['data']['n'], number>();
