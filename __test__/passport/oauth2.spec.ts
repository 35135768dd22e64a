/** Passport's OAuth 2 strategy with `state`, against a provider on the loopback interface. */
import test from 'ava';
import OAuth2Strategy from 'passport-oauth2';
import { SessionStore } from 'agai-session';
import { passportApp, showError } from '../helpers/passport-app.js';
import { CLIENT, oauthProvider } from '../helpers/oauth-provider.js';
import { Client, request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const path = (url: string): string => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

for (const isRemote of [false, true]) {
  // The state was set on the session and lost, so that every login failed with 403.
  test(`a login with state succeeds once${isRemote ? ' over a store that answers promises' : ''}`, async (t) => {
    const store = new SessionStore();
    const { app, passport, known } = passportApp({ store: isRemote ? remoteBackend(store.backend) : store });
    const provider = await serve(t, oauthProvider({ id: 1, name: 'ann' }));
    const url = await serve(t, app);
    const strategy = new OAuth2Strategy(
      {
        ...CLIENT,
        authorizationURL: `${provider}/authorize`,
        tokenURL: `${provider}/token`,
        callbackURL: `${url}/callback`,
        state: true,
      },
      (_access: string, _refresh: string, profile: { id: number }, done: OAuth2Strategy.VerifyCallback) => {
        done(null, known.get(profile.id));
      },
    );
    strategy.userProfile = async (access, done) => {
      const answer = await request(`${provider}/profile`, { headers: { authorization: `Bearer ${access}` } });
      done(null, JSON.parse(answer.body));
    };
    passport.use(strategy);
    app.get('/login', passport.authenticate('oauth2'));
    app.get('/callback', passport.authenticate('oauth2', { successRedirect: '/me' }));
    app.use(showError);

    const ann = new Client(url);
    const toProvider = await ann.get('/login');
    t.is(toProvider.status, 302);
    const back = await request(toProvider.headers.location!);
    const callback = path(back.headers.location!);
    const guest = ann.cookie;

    const stolen = await new Client(url).get(callback);
    t.is(stolen.status, 403, 'another browser does not have the state');
    const forged = await ann.get(callback.replace(/state=[^&]*/, 'state=forged'));
    t.is(forged.status, 403, 'nor does a forged state count');

    const again = await ann.get('/login');
    const answer = await ann.get(path((await request(again.headers.location!)).headers.location!));
    t.deepEqual([answer.status, answer.headers.location], [302, '/me']);
    t.not(ann.cookie, guest);
    const me = JSON.parse((await ann.get('/me')).body) as object;
    t.deepEqual(me, { user: 'ann', uid: '1', isAuthenticated: true, data: { passport: { user: 1 } } });
    t.is((await ann.get(callback)).status, 403, 'a state counts once');
  });
}
