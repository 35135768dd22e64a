//! Writes: create, commit, regenerate. Each is all or nothing: a refused write leaves the stored session unchanged.

use super::Store;
use super::evict::Room;
use crate::memory::record::{Body, Contents, Fixed, Splicer, Stored, Units, overwrites};
use crate::model::change::{Change, Commit, Login, NewSession, Renewal};
use crate::model::error::Error;
use crate::model::event::{EventKind, Reason};
use crate::model::facts::{Facts, MAX_UID_UNITS};
use crate::model::id::SessionId;
use crate::model::keys::KeyChange;
use crate::model::object::ObjectText;
use crate::model::standing::Standing;
use crate::model::text::Text;
use crate::model::time::after;
use crate::planted::{PanicAt, panic_at};

/// The outcome of a renewal, and the new id, which is valid only with [`Commit::Done`].
pub type Renewed = (Commit, SessionId);

impl Store {
    /// Stores a new session. Returns `Ok(None)` if the handle is taken: no session is overwritten, and the caller tries another id.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::UidTooLong`], [`Error::Full`], [`Error::UserLimit`]. With an [`super::Obstacle`], the write fits once that
    /// is gone.
    pub fn create(&mut self, id: &SessionId, now: u64, new: &NewSession<'_>) -> Result<Option<Facts>, Error> {
        if self.find(id.handle()).is_some() {
            return Ok(None);
        }
        let (fixed, body) = self.begin(id, now, new)?;
        let is_user = body.facts.uid_units > 0;
        let bytes = body.record_bytes();
        let room = Room {
            sessions: 1,
            bytes,
            for_user: is_user,
            keep: None,
        };
        let admitted = self.admit_login(new.uid, now, None, &room);
        if let Err(refused) = admitted.and_then(|()| self.make_room(now, &room)) {
            self.garbage.push(body.bytes);
            return Err(refused);
        }
        let Some(index) = self.records.insert(fixed, body, &mut self.garbage) else {
            return Err(self.full());
        };
        self.add_to_group(is_user, index, bytes);
        self.add_to_index(fixed.handle, index);
        self.add_to_user(index);
        let facts = self.records.at(index).facts();
        self.expiry.arm(index, facts.deadline());
        self.stats.created += 1;
        self.log_put(index, false);
        self.emit(index, EventKind::Created, Reason::Create);
        panic_at(PanicAt::Create, |uid| self.records.at(index).has_uid(uid));
        Ok(Some(facts))
    }

    /// Writes a change that was made from `base_version`; with `None`, whatever version is stored.
    ///
    /// # Errors
    /// Those of [`Store::create`]; the stored session is unchanged then.
    pub fn commit(
        &mut self,
        id: &SessionId,
        now: u64,
        base_version: Option<u64>,
        change: &Change<'_>,
    ) -> Result<Commit, Error> {
        let Some(index) = self.owned(id, now) else {
            return Ok(Commit::Gone);
        };
        if self.conflicts(index, base_version) {
            return Ok(Commit::Conflict);
        }
        self.with_splicer(|store, splicer| store.commit_at(index, now, change, splicer))
    }

    /// Lends out the buffers of the splices.
    fn with_splicer<R>(&mut self, work: impl FnOnce(&mut Self, &mut Splicer) -> R) -> R {
        let mut splicer = std::mem::take(&mut self.splicer);
        let result = work(self, &mut splicer);
        splicer.shed(&mut self.garbage);
        self.splicer = splicer;
        result
    }

    fn commit_at(
        &mut self,
        index: u32,
        now: u64,
        change: &Change<'_>,
        splicer: &mut Splicer,
    ) -> Result<Commit, Error> {
        let stored = self.records.at(index);
        let mut contents = stored.contents();
        if let (Some(parts), Some(keys)) = (overwrites(&contents, change), change.keys) {
            self.promote(index);
            self.records.overwrite(index, now, keys, parts);
            self.expiry.arm(index, self.records.at(index).deadline());
            return Ok(self.committed(index, change));
        }
        splicer.apply(&mut contents, change);
        let fixed = Fixed {
            version: stored.version() + 1,
            last_seen_at: now,
            ..stored.fixed()
        };
        self.check_change(stored, change, &contents)?;
        let body = self.records.encode(&contents);
        self.rewrite(index, now, fixed, body)?;
        Ok(self.committed(index, change))
    }

    /// Logs and counts a commit that is done.
    fn committed(&mut self, index: u32, change: &Change<'_>) -> Commit {
        match change.keys.filter(|_| change.data.is_none()) {
            Some(keys) => self.log_keys(index, keys),
            None => self.log_put(index, false),
        }
        self.stats.committed += 1;
        Commit::Done(self.records.at(index).facts())
    }

    /// Gives a session the secret of `fresh` and applies a change, in one step: its older ids are invalid from then on. A login as another
    /// user instead ends the session, whatever its version, and stores a new one under the id `fresh`; it returns `Ok(None)` if the handle
    /// of `fresh` is taken.
    ///
    /// # Errors
    /// Those of [`Store::create`]. After an error the session is unchanged and has its old id.
    pub fn regenerate(
        &mut self,
        id: &SessionId,
        fresh: &SessionId,
        now: u64,
        base_version: Option<u64>,
        renewal: &Renewal<'_>,
    ) -> Result<Option<Renewed>, Error> {
        let Some(index) = self.owned(id, now) else {
            return Ok(Some((Commit::Gone, fresh.clone())));
        };
        let stored = self.records.at(index);
        let is_another = |login: &Login<'_>| stored.is_user() && !stored.uid_units().equals(login.uid.into());
        if let Some(login) = renewal.login.filter(is_another) {
            return self.replace(index, fresh, now, &renewal.change, login);
        }
        if self.conflicts(index, base_version) {
            return Ok(Some((Commit::Conflict, fresh.clone())));
        }
        let renewed = id.with_secret_of(fresh);
        self.with_splicer(|store, splicer| store.regenerate_at(index, &renewed, now, renewal, splicer))
            .map(|commit| Some((commit, renewed)))
    }

    fn regenerate_at(
        &mut self,
        index: u32,
        renewed: &SessionId,
        now: u64,
        renewal: &Renewal<'_>,
        splicer: &mut Splicer,
    ) -> Result<Commit, Error> {
        let stored = self.records.at(index);
        let mut contents = stored.contents();
        splicer.apply(&mut contents, &renewal.change);
        let mut fixed = Fixed {
            secret: renewed.secret_hash(),
            version: stored.version() + 1,
            last_seen_at: now,
            ..stored.fixed()
        };
        let before = Standing::of(contents.ext, stored.is_user());
        let standing = before.renewed(renewal.login.map(|login| login.assurance));
        let ext = standing.write(contents.ext);
        contents.ext = &ext;
        let reason = if let Some(login) = renewal.login {
            contents.uid = Units::from(login.uid);
            contents.authenticated_at = now;
            contents.idle_timeout = renewal.change.idle_timeout.unwrap_or(self.options.idle_timeout);
            fixed.absolute_deadline = self.absolute_deadline(now, login.absolute_timeout);
            Reason::Login
        } else {
            Reason::Regenerate
        };
        self.check_change(stored, &renewal.change, &contents)?;
        Self::check_uid(&contents)?;
        let body = self.records.encode(&contents);
        let is_first = renewal.login.is_some() && !stored.is_user();
        let body = match renewal.login {
            Some(login) => self.admit_rewrite(index, now, login.uid, (!is_first).then_some(index), body)?,
            None => body,
        };
        self.rewrite(index, now, fixed, body)?;
        if is_first {
            self.add_to_user(index);
        }
        self.log_put(index, true);
        self.stats.regenerated += 1;
        self.emit(index, EventKind::Regenerated, reason);
        Ok(Commit::Done(self.records.at(index).facts()))
    }

    /// Ends the session at `index` and stores another user's new session in its slot, with nothing of the old one.
    fn replace(
        &mut self,
        index: u32,
        fresh: &SessionId,
        now: u64,
        change: &Change<'_>,
        login: Login<'_>,
    ) -> Result<Option<Renewed>, Error> {
        if self.find(fresh.handle()).is_some() {
            return Ok(None);
        }
        let new = NewSession {
            uid: login.uid,
            form: change.form.unwrap_or(Text::Latin1(b"")),
            data: change
                .data
                .or(change.keys.map(KeyChange::set))
                .unwrap_or(ObjectText::EMPTY),
            idle_timeout: change.idle_timeout,
            absolute_timeout: login.absolute_timeout,
            assurance: login.assurance,
        };
        let (fixed, body) = self.begin(fresh, now, &new)?;
        let ended = self.event_of(index, EventKind::Destroyed, Reason::Login);
        let body = self.admit_rewrite(index, now, login.uid, None, body)?;
        self.rewrite(index, now, fixed, body)?;
        self.by_user.remove(index);
        self.add_to_user(index);
        self.log_remove(ended.handle, true);
        self.index.remove(ended.handle, |at| at == index);
        self.outbox.push(ended);
        self.add_to_index(fixed.handle, index);
        self.log_put(index, true);
        self.stats.destroyed += 1;
        self.stats.created += 1;
        self.emit(index, EventKind::Created, Reason::Login);
        Ok(Some((
            Commit::Done(self.records.at(index).facts()),
            fresh.clone(),
        )))
    }

    /// The parts of a session that begins now, checked against the bounds.
    fn begin(&self, id: &SessionId, now: u64, new: &NewSession<'_>) -> Result<(Fixed, Body), Error> {
        let is_user = new.uid.units() > 0;
        let ext = Standing::first(is_user.then_some(new.assurance)).write(&[]);
        let contents = Contents {
            created_at: now,
            idle_timeout: new.idle_timeout.unwrap_or(self.idle_timeout(is_user)),
            authenticated_at: now,
            ext: &ext,
            uid: new.uid.into(),
            form: new.form.into(),
            places: Text::Latin1(new.data.places()).into(),
            data: new.data.text().into(),
        };
        self.check_data(&contents, 0)?;
        Self::check_uid(&contents)?;
        let fixed = Fixed {
            handle: id.handle(),
            secret: id.secret_hash(),
            version: 1,
            last_seen_at: now,
            absolute_deadline: self.absolute_deadline(now, new.absolute_timeout),
        };
        Ok((fixed, self.records.encode(&contents)))
    }

    /// True if the session has another version than the one that a write was made from. The statistics count it.
    fn conflicts(&mut self, index: u32, base_version: Option<u64>) -> bool {
        let conflicts = base_version.is_some_and(|base| base != self.records.at(index).version());
        self.stats.conflicts += u64::from(conflicts);
        conflicts
    }

    fn idle_timeout(&self, is_user: bool) -> u64 {
        if is_user {
            self.options.idle_timeout
        } else {
            self.options.guest_idle_timeout
        }
    }

    /// The absolute deadline of a session that begins or is logged in now, with its own timeout or else the store's.
    fn absolute_deadline(&self, now: u64, timeout: Option<u64>) -> u64 {
        after(now, timeout.unwrap_or(self.options.absolute_timeout))
    }

    /// Checks the size of data and form against `max_session_bytes`, or against `had` bytes if that is more.
    fn check_data(&self, contents: &Contents<'_>, had: usize) -> Result<(), Error> {
        let (bytes, limit) = (contents.data_bytes(), self.options.max_session_bytes);
        if bytes > limit.max(had) {
            return Err(Error::TooLarge { bytes, limit });
        }
        Ok(())
    }

    /// The same check for a change. A session that was written under a higher bound may be larger than the present one. A change that
    /// does not write all its data may leave it so, but must not make it larger.
    fn check_change(
        &self,
        stored: Stored<'_>,
        change: &Change<'_>,
        contents: &Contents<'_>,
    ) -> Result<(), Error> {
        let keeps_data = change.data.is_none();
        let had = if keeps_data {
            stored.contents().data_bytes()
        } else {
            0
        };
        self.check_data(contents, had)
    }

    fn check_uid(contents: &Contents<'_>) -> Result<(), Error> {
        let units = contents.uid.units();
        if units > MAX_UID_UNITS {
            return Err(Error::UidTooLong {
                units,
                limit: MAX_UID_UNITS,
            });
        }
        Ok(())
    }

    pub(super) fn full(&self) -> Error {
        Error::Full {
            max_sessions: self.options.max_sessions,
            max_bytes: self.options.max_bytes,
        }
    }

    /// Admits a login that gives the session at `index` a new body; see [`Store::admit_login`]. Returns the body.
    fn admit_rewrite(
        &mut self,
        index: u32,
        now: u64,
        uid: Text<'_>,
        of_user: Option<u32>,
        body: Body,
    ) -> Result<Body, Error> {
        self.promote(index);
        let room = self.room_to_rewrite(index, &body);
        match self.admit_login(uid, now, of_user, &room) {
            Ok(()) => Ok(body),
            Err(refused) => {
                self.garbage.push(body.bytes);
                Err(refused)
            }
        }
    }

    /// Makes room for a new body of the session at `index`.
    fn make_room_to_rewrite(&mut self, index: u32, now: u64, body: &Body) -> Result<(), Error> {
        // Promoted first: at the end of its list it would keep all others from being evicted.
        self.promote(index);
        let room = self.room_to_rewrite(index, body);
        self.make_room(now, &room)
    }

    /// The room that a new body of the session at `index` needs.
    fn room_to_rewrite(&self, index: u32, body: &Body) -> Room {
        Room {
            sessions: 0,
            bytes: body.record_bytes().saturating_sub(self.records.at(index).bytes()),
            for_user: body.facts.uid_units > 0,
            keep: Some(index),
        }
    }

    /// Replaces the live session at `index`. All or nothing.
    fn rewrite(&mut self, index: u32, now: u64, fixed: Fixed, body: Body) -> Result<(), Error> {
        let stored = self.records.at(index);
        let (was_user, old_bytes) = (stored.is_user(), stored.bytes());
        let (is_user, new_bytes) = (body.facts.uid_units > 0, body.record_bytes());
        if let Err(refused) = self.make_room_to_rewrite(index, now, &body) {
            self.garbage.push(body.bytes);
            return Err(refused);
        }
        if !self.records.replace(index, fixed, body, &mut self.garbage) {
            return Err(self.full());
        }
        self.remove_from_group(was_user, index, old_bytes);
        self.add_to_group(is_user, index, new_bytes);
        self.expiry.arm(index, self.records.at(index).deadline());
        Ok(())
    }
}
