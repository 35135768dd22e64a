import express from 'express';
import { session } from 'agai-session/express';
import { csrfSync } from 'csrf-sync';

const { csrfSynchronisedProtection } = csrfSync({
  getTokenFromState: (req) => req.session.data.csrfToken,
  storeTokenInState: (req, token) => {
    req.session.data.csrfToken = token;
  },
  getTokenFromRequest: (req) => req.body?.csrfToken,
});

const app = express();
app.use(session());
app.use(express.urlencoded({ extended: false }));
app.use(csrfSynchronisedProtection);

app.get('/', (req, res) => {
  res.send(`<!doctype html><title>csrf-sync</title>
    <p>You are ${req.session.isLoggedIn() ? 'logged in' : 'a guest'}.</p>
    <form method="post" action="/login">
      <input type="hidden" name="csrfToken" value="${req.csrfToken()}">
      <label>Name <input name="name" required></label> <button>Log in</button>
    </form>`);
});
app.post('/login', (req, res) => {
  req.session.login(req.body.name); // after you checked the password
  res.redirect(303, '/');
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});
