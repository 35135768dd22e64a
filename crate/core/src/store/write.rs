//! Writes: create, commit, regenerate. All or nothing: a refused one leaves what was stored.

use super::Store;
use crate::memory::record::{Contents, Frame, Units};
use crate::model::change::{Change, Commit, Identity, NewSession, Renewal};
use crate::model::error::Error;
use crate::model::event::{EventKind, Reason};
use crate::model::facts::{Facts, MAX_UID_UNITS};
use crate::model::id::SessionKey;
use crate::model::text::Text;
use crate::model::time::after;
use crate::planted::{PanicAt, panic_at};

impl Store {
    /// Stores a new session. `Ok(None)` when the key is taken: nothing is ever overwritten, the caller takes another id.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::UidTooLong`], [`Error::Full`].
    pub fn create(
        &mut self,
        key: SessionKey,
        now: u64,
        new: &NewSession<'_>,
    ) -> Result<Option<Facts>, Error> {
        if self.find(key).is_some() {
            return Ok(None);
        }
        let is_user = new.uid.units() > 0;
        let idle_timeout = if is_user {
            self.options.idle_timeout
        } else {
            self.options.guest_idle_timeout
        };
        let contents = Contents {
            created_at: now,
            idle_timeout: new.idle_timeout.unwrap_or(idle_timeout),
            authenticated_at: now,
            uid: new.uid.into(),
            form: new.form.into(),
            data: new.data.into(),
        };
        self.check_data(&contents)?;
        Self::check_uid(&contents)?;
        let absolute_timeout = new.absolute_timeout.unwrap_or(self.options.absolute_timeout);
        let body = self.records.encode(&contents);
        let bytes = body.record_bytes();
        let frame = Frame {
            key,
            version: 1,
            last_seen_at: now,
            absolute_deadline: after(now, absolute_timeout),
        };
        if !self.make_room(now, 1, bytes, is_user, None) {
            self.garbage.push(body.bytes);
            return Err(self.full());
        }
        let Some(slot) = self.records.insert(frame, body, &mut self.garbage) else {
            return Err(self.full());
        };
        self.join(is_user, slot.index, bytes);
        let records = &self.records;
        self.index.insert(key, slot.index, |index| {
            records.get(index).map_or(key, |record| record.key())
        });
        let facts = records.get(slot.index).map(|record| record.facts());
        self.expiry
            .arm(slot.index, facts.map_or(now, |facts| facts.deadline()));
        self.stats.created += 1;
        self.log_put(slot.index, false);
        self.emit(slot.index, EventKind::Created, Reason::Create);
        panic_at(PanicAt::Create, |uid| new.uid == Text::Latin1(uid.as_bytes()));
        Ok(facts)
    }

    /// Writes a change made from `base_version`, or from whichever is stored when `None`.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Full`]; the stored session is unchanged.
    pub fn commit(
        &mut self,
        key: SessionKey,
        now: u64,
        base_version: Option<u64>,
        change: &Change<'_>,
    ) -> Result<Commit, Error> {
        let index = match self.writable(key, now, base_version) {
            Ok(index) => index,
            Err(answer) => return Ok(answer),
        };
        self.amend(index, now, change, Identity::Keep)?;
        self.log_put(index, false);
        self.stats.committed += 1;
        Ok(self.done(index))
    }

    /// Moves a session to `new_key`, with a change, in one step: the old id is dead from here on.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::UidTooLong`], [`Error::Full`]; the session stays as it was, under its old id.
    pub fn regenerate(
        &mut self,
        key: SessionKey,
        new_key: SessionKey,
        now: u64,
        base_version: Option<u64>,
        renewal: &Renewal<'_>,
    ) -> Result<Option<Commit>, Error> {
        if self.find(new_key).is_some() {
            return Ok(None);
        }
        let index = match self.writable(key, now, base_version) {
            Ok(index) => index,
            Err(answer) => return Ok(Some(answer)),
        };
        self.amend(index, now, &renewal.change, renewal.identity)?;
        let records = &mut self.records;
        self.index.remove(key, |at| at == index);
        if let Some(record) = records.get_mut(index) {
            record.rename(new_key);
        }
        self.index.insert(new_key, index, |at| {
            records.get(at).map_or(new_key, |record| record.key())
        });
        self.log_put(index, true);
        self.stats.regenerated += 1;
        let reason = if matches!(renewal.identity, Identity::User(_)) {
            Reason::Login
        } else {
            Reason::Regenerate
        };
        self.emit(index, EventKind::Regenerated, reason);
        Ok(Some(self.done(index)))
    }

    /// The record that a write may change, or the write's answer.
    fn writable(&mut self, key: SessionKey, now: u64, base_version: Option<u64>) -> Result<u32, Commit> {
        let index = self.live(key, now).ok_or(Commit::Gone)?;
        let version = self.records.get(index).map(|record| record.version());
        if base_version.is_some() && base_version != version {
            self.stats.conflicts += 1;
            return Err(Commit::Conflict);
        }
        Ok(index)
    }

    fn done(&self, index: u32) -> Commit {
        self.records
            .get(index)
            .map_or(Commit::Gone, |record| Commit::Done(record.facts()))
    }

    fn check_data(&self, contents: &Contents<'_>) -> Result<(), Error> {
        let (bytes, limit) = (contents.data_bytes(), self.options.max_session_bytes);
        if bytes > limit {
            return Err(Error::TooLarge { bytes, limit });
        }
        Ok(())
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

    fn full(&self) -> Error {
        Error::Full {
            max_sessions: self.options.max_sessions,
            max_bytes: self.options.max_bytes,
        }
    }

    /// Rewrites the record at `index`, which is live. All or nothing.
    fn amend(
        &mut self,
        index: u32,
        now: u64,
        change: &Change<'_>,
        identity: Identity<'_>,
    ) -> Result<(), Error> {
        let Some(record) = self.records.get(index) else {
            return Ok(());
        };
        let (was_user, old_bytes) = (record.is_user(), record.bytes());
        let mut contents = record.contents();
        if let Some(data) = change.data {
            contents.data = data.into();
        }
        if let Some(form) = change.form {
            contents.form = form.into();
        }
        if let Identity::User(uid) = identity {
            contents.uid = Units::from(uid);
            contents.authenticated_at = now;
            contents.idle_timeout = self.options.idle_timeout;
        }
        if let Some(timeout) = change.idle_timeout {
            contents.idle_timeout = timeout;
        }
        // Data that stays may be larger: it was written under another bound, before the store was opened with this one.
        if change.data.is_some() {
            self.check_data(&contents)?;
        }
        Self::check_uid(&contents)?;
        let is_user = contents.uid.units() > 0;
        let body = self.records.encode(&contents);
        let new_bytes = body.record_bytes();
        // The newest of its list from here on, so that it hides no older one from eviction.
        self.promote(index);
        if !self.make_room(now, 0, new_bytes.saturating_sub(old_bytes), is_user, Some(index)) {
            self.garbage.push(body.bytes);
            return Err(self.full());
        }
        if !self.records.replace(index, body, &mut self.garbage) {
            return Err(self.full());
        }
        self.part(was_user, index, old_bytes);
        self.join(is_user, index, new_bytes);
        let absolute_timeout = self.options.absolute_timeout;
        if let Some(record) = self.records.get_mut(index) {
            record.set_version(record.version() + 1);
            record.set_last_seen(now);
            if matches!(identity, Identity::User(_)) {
                record.set_absolute_deadline(after(now, absolute_timeout));
            }
        }
        if let Some(record) = self.records.get(index) {
            self.expiry.arm(index, record.deadline());
        }
        Ok(())
    }
}
