/** What the package keeps to itself is not in its declarations. */
import { DurableSessionStore, Session, SessionManager, SessionStore } from 'agai-session';

const manager = new SessionManager();
const session = manager.create();
// @ts-expect-error
manager.begin;
// @ts-expect-error
session.commit;
// @ts-expect-error
session.hasReported;
// @ts-expect-error
session.cookieChange;
// @ts-expect-error -- a manager makes sessions
new Session();
// @ts-expect-error
Session.of;
// @ts-expect-error
Session.isUsed;
// @ts-expect-error
Session.hasEnded;
// @ts-expect-error -- `SessionStore.open` opens it
new DurableSessionStore();
// @ts-expect-error
DurableSessionStore.of;
export const isSession: boolean = (session as unknown) instanceof Session;
export const isStore: boolean = (new SessionStore() as unknown) instanceof DurableSessionStore;
