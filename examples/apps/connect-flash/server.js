import express from 'express';
import { session } from 'agai-session/express';
import flash from 'connect-flash';

const app = express();
app.use(session());
app.use(flash());
app.use((req, res, next) => {
  // connect-flash keeps its messages in a property of `this.session`: here that is the session's data.
  const { flash } = req;
  req.flash = (...args) => flash.apply({ session: req.session.data }, args);
  next();
});
app.use(express.urlencoded({ extended: false }));

app.get('/', (req, res) => {
  res.json({ info: req.flash('info'), errors: req.flash('error') });
});
app.post('/order', (req, res) => {
  if (req.body.item) req.flash('info', 'Ordered: %s', req.body.item);
  else req.flash('error', 'What would you like?');
  res.redirect(303, '/');
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});
