//! The operations, each applied to the store and to the model.

use crate::model::{LoginNeed, Need, Session, after, assurance_of};
use crate::steps::Who;
use crate::world::{ABSOLUTE, Checked, GUEST_IDLE, IDLE, Known, World, read};
use agai_session_core::testing::objects::{DataWrite, Members, object_of, owned};
use agai_session_core::{Change, Commit, Facts, Login, NewSession, Reason, Renewal, SessionId};
use proptest::prelude::*;

const FORM: &str = "{\"next\":\"/\"}";

/// The properties of a session to create.
pub struct Wanted<'a> {
    pub uid: &'a str,
    pub form: bool,
    pub data: &'a Members,
    pub idle_timeout: Option<u64>,
    pub absolute_timeout: Option<u64>,
}

/// The changes of a commit.
pub struct Changed<'a> {
    pub form: Option<bool>,
    pub write: &'a DataWrite,
    pub idle_timeout: Option<u64>,
}

fn form(there: bool) -> &'static str {
    if there { FORM } else { "" }
}

impl World {
    pub fn create(&mut self, wanted: &Wanted<'_>) -> Checked {
        let now = self.now();
        let texts = [wanted.uid, form(wanted.form), &wanted.data.to_string()].map(owned);
        let answer = self.store.handle.create(&NewSession {
            uid: texts[0].as_text(),
            form: texts[1].as_text(),
            data: object_of(texts[2].as_text()),
            idle_timeout: wanted.idle_timeout,
            absolute_timeout: wanted.absolute_timeout,
            assurance: assurance_of(wanted.uid),
        });
        let is_user = !wanted.uid.is_empty();
        let session = Session {
            id: 0,
            uid: wanted.uid.to_owned(),
            epoch: u32::from(is_user),
            form: form(wanted.form).to_owned(),
            data: wanted.data.clone(),
            version: 1,
            created_at: now,
            authenticated_at: if is_user { now } else { 0 },
            last_seen_at: now,
            idle_timeout: wanted
                .idle_timeout
                .unwrap_or(if is_user { IDLE } else { GUEST_IDLE }),
            absolute_deadline: after(now, wanted.absolute_timeout.unwrap_or(ABSOLUTE)),
        };
        let need = Need {
            sessions: 1,
            bytes: session.bytes(),
            for_user: is_user,
            keep: None,
            login: is_user.then_some(LoginNeed {
                uid: wanted.uid,
                again: None,
            }),
        };
        self.absorb(Some(need))?;
        let (id, facts) = match answer {
            Ok(made) => made,
            Err(error) => return self.refused(&error, &need),
        };
        let n = self.know(id)?;
        self.written(n, session, &facts)?;
        self.is_within_limit(wanted.uid)
    }

    /// Adds the session that was created with this id. Returns its number.
    fn know(&mut self, id: SessionId) -> Result<usize, TestCaseError> {
        let handle = id.handle();
        let repeats = |known: &Known| known.handle == handle;
        prop_assert!(!self.known.iter().any(repeats), "the handle of another session");
        self.known.push(Known {
            ids: vec![id],
            handle,
        });
        Ok(self.known.len() - 1)
    }

    /// Applies a write to the model, and checks the facts that the store returned.
    fn written(&mut self, n: usize, session: Session, facts: &Facts) -> Checked {
        prop_assert_eq!(&session.facts(), facts);
        self.model.put(self.now(), n, session);
        self.promised.write = self.model.lsn();
        Ok(())
    }

    pub fn commit(&mut self, who: Who, stale: bool, changed: &Changed<'_>) -> Checked {
        let Some((n, id)) = self.target(who) else {
            return Ok(());
        };
        let before = self.expected(n, &id);
        let new_form = owned(form(changed.form.unwrap_or_default()));
        let version = before.as_ref().map_or(1, |session| session.version);
        let base = version + u64::from(stale);
        let answer = changed.write.with(|change| {
            let change = Change {
                form: changed.form.map(|_| new_form.as_text()),
                idle_timeout: changed.idle_timeout,
                ..change
            };
            self.store.handle.commit(&id, Some(base), &change)
        });
        let Some(before) = before else {
            prop_assert!(matches!(answer, Ok(Commit::Gone)), "{:?}", answer);
            return self.absorb(None);
        };
        if stale {
            prop_assert!(matches!(answer, Ok(Commit::Conflict)), "{:?}", answer);
            return self.absorb(None);
        }
        let after = Session {
            form: changed
                .form
                .map_or_else(|| before.form.clone(), |there| form(there).to_owned()),
            data: changed.write.applied_to(&before.data),
            version: before.version + 1,
            last_seen_at: self.now(),
            idle_timeout: changed.idle_timeout.unwrap_or(before.idle_timeout),
            ..before.clone()
        };
        let need = self.need(n, &before, &after, None);
        self.absorb(Some(need))?;
        match answer {
            Ok(Commit::Done(facts)) => self.written(n, after, &facts),
            Ok(other) => Err(TestCaseError::fail(format!("{other:?}"))),
            Err(error) => self.refused(&error, &need),
        }
    }

    /// The room that a change of a session needs. The session becomes the most recently used one, even if the change fails.
    fn need<'a>(
        &mut self,
        n: usize,
        before: &Session,
        after: &Session,
        login: Option<LoginNeed<'a>>,
    ) -> Need<'a> {
        self.model.use_now(n);
        Need {
            sessions: 0,
            bytes: after.bytes().saturating_sub(before.bytes()),
            for_user: after.is_user(),
            keep: Some(n),
            login,
        }
    }

    pub fn regenerate(&mut self, who: Who, login: Option<&str>, write: &DataWrite) -> Checked {
        let Some((n, id)) = self.target(who) else {
            return Ok(());
        };
        let (before, now) = (self.expected(n, &id), self.now());
        let uid = owned(login.unwrap_or_default());
        let as_login = login.map(|_| Login {
            uid: uid.as_text(),
            absolute_timeout: None,
            assurance: assurance_of(login.unwrap_or_default()),
        });
        let answer = write.with(|change| {
            let renewal = Renewal {
                change,
                login: as_login,
            };
            self.store.handle.regenerate(&id, None, &renewal)
        });
        let Some(before) = before else {
            prop_assert!(matches!(answer, Ok((Commit::Gone, _))), "{:?}", answer);
            return self.absorb(None);
        };
        let mut after_it = Session {
            id: self.known[n].ids.len(),
            data: write.applied_to(&before.data),
            version: before.version + 1,
            epoch: before.epoch + 1,
            last_seen_at: now,
            ..before.clone()
        };
        if let Some(uid) = login {
            uid.clone_into(&mut after_it.uid);
            after_it.authenticated_at = now;
            after_it.idle_timeout = IDLE;
            after_it.absolute_deadline = after(now, ABSOLUTE);
        }
        let is_another = login.is_some_and(|uid| before.is_user() && before.uid != uid);
        if is_another {
            (after_it.id, after_it.version, after_it.created_at) = (0, 1, now);
            after_it.epoch = 1;
            after_it.form = String::new();
            after_it.data = write.applied_to(&Members::default());
        }
        let login = login.map(|uid| LoginNeed {
            uid,
            again: (before.uid == uid).then_some(n),
        });
        let need = self.need(n, &before, &after_it, login);
        // If another user's session begins, the end of the old one is among the events.
        self.absorb(Some(need))?;
        match answer {
            Ok((Commit::Done(facts), new)) if is_another => {
                prop_assert!(!self.model.live.contains_key(&n), "the old one has ended");
                let n = self.know(new)?;
                self.written(n, after_it, &facts)?;
                self.promised.end = self.model.lsn();
                self.is_within_limit(&self.model.live[&n].uid)
            }
            Ok((Commit::Done(facts), new)) => {
                prop_assert_eq!(new.handle(), id.handle());
                self.known[n].ids.push(new);
                self.written(n, after_it, &facts)?;
                // The old id is dead, and that must not be undone.
                self.promised.end = self.model.lsn();
                login.map_or(Ok(()), |login| self.is_within_limit(login.uid))
            }
            Ok((other, _)) => Err(TestCaseError::fail(format!("{other:?}"))),
            Err(error) => self.refused(&error, &need),
        }
    }

    pub fn touch(&mut self, who: Who, idle_timeout: Option<u64>) -> Checked {
        let Some((n, id)) = self.target(who) else {
            return Ok(());
        };
        let expected = self.expected(n, &id);
        let deadline = self.store.handle.touch(&id, idle_timeout).unwrap();
        self.absorb(None)?;
        prop_assert_eq!(deadline.is_some(), expected.is_some());
        if let Some(deadline) = deadline {
            self.seen(n, idle_timeout)?;
            prop_assert_eq!(deadline, self.model.live[&n].facts().deadline());
        }
        Ok(())
    }

    /// Notes a session's activity, and checks that the log has it at least once in a tenth of the idle timeout.
    fn seen(&mut self, n: usize, idle_timeout: Option<u64>) -> Checked {
        let now = self.now();
        let logged = self.store.handle.lsn() > self.model.lsn();
        let is_new = idle_timeout.is_some_and(|timeout| timeout != self.model.live[&n].idle_timeout);
        self.model.touch(now, n, idle_timeout, logged);
        let known = self.model.logged(n).map_or(0, |session| session.last_seen_at);
        let session = &self.model.live[&n];
        let granularity = session.granularity();
        prop_assert!(
            logged || !is_new && now - known <= granularity,
            "{} ms of activity are not in the log: {:?}",
            now - known,
            session
        );
        Ok(())
    }

    pub fn read(&mut self, who: Who, touch: bool) -> Checked {
        let Some((n, id)) = self.target(who) else {
            return Ok(());
        };
        let expected = self.expected(n, &id);
        let found = read(&self.store, &id, touch);
        self.absorb(None)?;
        prop_assert_eq!(found.is_some(), expected.is_some());
        let Some((text, facts)) = found else { return Ok(()) };
        if touch {
            self.seen(n, None)?;
        } else {
            self.model.use_now(n);
        }
        let session = &self.model.live[&n];
        prop_assert_eq!((text, facts), (session.text(), session.facts()));
        Ok(())
    }

    pub fn destroy(&mut self, who: Who) -> Checked {
        let Some((n, id)) = self.target(who) else {
            return Ok(());
        };
        let expected = self.expected(n, &id);
        let ended = self.store.handle.destroy(&id, Reason::Logout).unwrap();
        self.ended(n, expected.is_some(), ended)
    }

    pub fn destroy_by_handle(&mut self, who: Who) -> Checked {
        let Some((n, _)) = self.target(who) else {
            return Ok(());
        };
        let now = self.now();
        let expected = self
            .model
            .live
            .get(&n)
            .is_some_and(|session| !session.is_over(now));
        let ended = self
            .store
            .handle
            .destroy_by_handle(self.known[n].handle, Reason::Logout)
            .unwrap();
        self.ended(n, expected, ended)
    }

    /// Checks the result of a destroy. The end must become durable even if there was no session.
    fn ended(&mut self, n: usize, expected: bool, ended: bool) -> Checked {
        let was_there = self.model.live.contains_key(&n);
        self.absorb(None)?;
        prop_assert_eq!(ended, expected);
        prop_assert!(
            !(ended && was_there && self.model.live.contains_key(&n)),
            "it is still there"
        );
        self.promised.end = self.model.lsn();
        Ok(())
    }

    pub fn end_user(&mut self, uid: &str, except: Option<Who>) -> Checked {
        let except = except.and_then(|who| self.target(who)).map(|(n, _)| n);
        let now = self.now();
        let is_user = !uid.is_empty();
        let is_theirs = |n: &usize| is_user && Some(*n) != except;
        let theirs: Vec<_> = self.model.of_user(uid).into_iter().filter(is_theirs).collect();
        let live = theirs.iter().filter(|n| !self.model.live[n].is_over(now)).count();
        let handle = except.map(|n| self.known[n].handle);
        let ended = self
            .store
            .handle
            .destroy_user(owned(uid).as_text(), handle)
            .unwrap();
        prop_assert_eq!(ended as usize, live);
        self.absorb(None)?;
        prop_assert!(
            theirs.iter().all(|n| !self.model.live.contains_key(n)),
            "one is still there"
        );
        self.promised.end = self.model.lsn();
        Ok(())
    }

    pub fn clear(&mut self) -> Checked {
        let there = self.store.handle.clear().unwrap() as usize;
        prop_assert_eq!(there, self.model.live.len());
        self.model.clear(self.now());
        self.promised.end = self.model.lsn();
        Ok(())
    }
}
