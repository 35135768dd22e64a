/** The backend of a store that is still being opened. */
import type { SessionBackend } from './session-backend.js';

/** A backend that can list and end a user's sessions, as those of this package can. */
type FullBackend = SessionBackend & Required<Pick<SessionBackend, 'sessionsOf' | 'destroyUser'>>;

/**
 * A backend whose calls wait for another one to be opened; if the opening fails, every call rejects with its error. Whoever holds it
 * replaces it with the opened one, so that later calls wait for nothing.
 */
export function deferredBackend(
  opening: Promise<{ readonly backend: FullBackend }>,
  { timeouts, now }: Pick<SessionBackend, 'timeouts' | 'now'>,
): SessionBackend {
  const opened = opening.then(({ backend }) => backend);
  // Each call takes its error from a promise of its own.
  opened.catch(() => undefined);
  return {
    timeouts,
    now,
    load: async (...args) => (await opened).load(...args),
    create: async (...args) => (await opened).create(...args),
    commit: async (...args) => (await opened).commit(...args),
    regenerate: async (...args) => (await opened).regenerate(...args),
    touch: async (...args) => (await opened).touch(...args),
    destroy: async (...args) => (await opened).destroy(...args),
    sessionsOf: async (...args) => (await opened).sessionsOf(...args),
    destroyUser: async (...args) => (await opened).destroyUser(...args),
    watch(...args): () => void {
      let isStopped = false;
      let stop: (() => void) | undefined;
      const watch = (backend: SessionBackend): void => {
        if (!isStopped) stop = backend.watch?.(...args);
      };
      opened.then(watch, () => undefined);
      return () => {
        isStopped = true;
        stop?.();
      };
    },
  };
}
