//! The result of an inspection, as JavaScript objects.

use crate::results::number;
use agai_session_core::OwnedText;
use agai_session_core::disk::Holder;
use agai_session_core::inspect::{
    DamagedPlace, FileContents, FileFacts, Gap, Inspection, Listed, ManifestFacts, Role, Sessions, Verdict,
    kind_name,
};
use agai_session_core::journal::recover::Torn;
use napi_derive::napi;

/// What an inspection found in a directory. Instants are milliseconds since 1970.
#[napi(object)]
pub struct NativeInspected {
    #[napi(ts_type = "'empty' | 'sound' | 'torn' | 'damaged' | 'newer' | 'unreadable' | 'unsettled'")]
    pub verdict: String,
    /// The file that is newer or unreadable, and the reason.
    pub file: Option<String>,
    pub why: Option<String>,
    pub manifest: Option<NativeManifestFacts>,
    pub files: Vec<NativeFileFacts>,
    pub foreign_files: f64,
    pub sessions: Option<NativeSessionFacts>,
    pub records: f64,
    pub last_lsn: f64,
    pub torn: Option<NativeTornPlace>,
    pub damages: Vec<NativeDamagedPlace>,
    pub holder: NativeHolder,
    /// Why this user could not open a store in the directory.
    pub refusal: Option<String>,
    pub inspected_at: f64,
}

#[napi(object)]
pub struct NativeManifestFacts {
    pub generation: f64,
    pub last_lsn: f64,
    pub written_at: f64,
    pub clean: bool,
}

#[napi(object)]
pub struct NativeFileFacts {
    pub name: String,
    #[napi(ts_type = "'manifest' | 'snapshot' | 'segment' | 'kept' | 'torn' | 'void' | 'reserve' | 'lock'")]
    pub role: String,
    pub bytes: Option<f64>,
    pub modified_at: Option<f64>,
    pub trouble: Option<String>,
    /// Only for a log segment.
    pub sealed: Option<bool>,
    pub chained: Option<bool>,
    pub contents: Option<NativeContents>,
}

#[napi(object)]
pub struct NativeContents {
    /// These are missing if the header cannot be read.
    pub format: Option<u32>,
    pub codec: Option<u32>,
    pub generation: Option<f64>,
    pub start_lsn: Option<f64>,
    pub first_lsn: Option<f64>,
    pub last_lsn: Option<f64>,
    pub synced_lsn: f64,
    pub frames: Vec<NativeFrameCount>,
    pub sessions: f64,
    pub digest_fits: Option<bool>,
    pub whole_bytes: f64,
    pub gaps: Vec<NativeGap>,
    pub gap_count: f64,
}

#[napi(object)]
pub struct NativeFrameCount {
    pub kind: String,
    pub count: f64,
}

#[napi(object)]
pub struct NativeGap {
    pub offset: f64,
    pub bytes: f64,
    pub next_lsn: Option<f64>,
}

#[napi(object)]
pub struct NativeTornPlace {
    pub file: String,
    pub offset: f64,
    pub bytes: f64,
}

#[napi(object)]
pub struct NativeDamagedPlace {
    pub file: String,
    pub offset: f64,
    pub bytes: Option<f64>,
    pub after_lsn: f64,
    pub next_lsn: Option<f64>,
    pub why: String,
}

#[napi(object)]
pub struct NativeHolder {
    #[napi(ts_type = "'nobody' | 'process' | 'unknown'")]
    pub state: String,
    pub pid: Option<u32>,
    pub started_at: Option<f64>,
    pub version: Option<String>,
}

#[napi(object)]
pub struct NativeSessionFacts {
    pub live: f64,
    pub guests: f64,
    pub expired: f64,
    pub bytes: f64,
    pub oldest: Option<f64>,
    pub newest: Option<f64>,
    pub next_deadline: Option<f64>,
    pub clock_set_back: f64,
    pub listed: Vec<NativeListed>,
}

/// One session. `data` is present only if the inspection was asked for it.
#[napi(object)]
pub struct NativeListed {
    pub handle: String,
    /// The hash of the whole id, in hexadecimal.
    pub secret_hash: String,
    pub uid: Option<String>,
    pub data: Option<String>,
    pub version: f64,
    pub created_at: f64,
    pub last_seen_at: f64,
    pub deadline: f64,
    pub bytes: f64,
}

impl From<Inspection> for NativeInspected {
    fn from(found: Inspection) -> Self {
        let (verdict, file, why) = match found.verdict {
            Verdict::Empty => ("empty", None, None),
            Verdict::Sound => ("sound", None, None),
            Verdict::Torn => ("torn", None, None),
            Verdict::Damaged => ("damaged", None, None),
            Verdict::Unsettled => ("unsettled", None, None),
            Verdict::Newer { file, format, codec } => {
                let why = format!("it has format {format}, codec {codec}");
                ("newer", Some(file), Some(why))
            }
            Verdict::Unreadable { file, why } => ("unreadable", Some(file), Some(why)),
        };
        Self {
            verdict: verdict.to_owned(),
            file,
            why,
            manifest: found.manifest.map(Into::into),
            files: found.files.into_iter().map(Into::into).collect(),
            foreign_files: number(found.foreign),
            sessions: found.sessions.map(Into::into),
            records: number(found.records),
            last_lsn: number(found.last_lsn.get()),
            torn: found.torn.map(Into::into),
            damages: found.damages.into_iter().map(Into::into).collect(),
            holder: found.holder.into(),
            refusal: found.refusal,
            inspected_at: number(found.at),
        }
    }
}

impl From<ManifestFacts> for NativeManifestFacts {
    fn from(facts: ManifestFacts) -> Self {
        Self {
            generation: number(facts.generation),
            last_lsn: number(facts.last_lsn.get()),
            written_at: number(facts.now),
            clean: facts.clean,
        }
    }
}

impl From<FileFacts> for NativeFileFacts {
    fn from(file: FileFacts) -> Self {
        let role = match file.role {
            Role::Manifest => "manifest",
            Role::Snapshot => "snapshot",
            Role::Segment { .. } => "segment",
            Role::Kept => "kept",
            Role::Torn => "torn",
            Role::Void => "void",
            Role::Reserve => "reserve",
            Role::Lock => "lock",
        };
        let sealed = match file.role {
            Role::Segment { sealed } => sealed,
            _ => None,
        };
        Self {
            name: file.name,
            role: role.to_owned(),
            bytes: file.bytes.map(number),
            modified_at: file.modified.map(number),
            trouble: file.trouble,
            sealed,
            chained: file.chained,
            contents: file.contents.map(Into::into),
        }
    }
}

impl From<FileContents> for NativeContents {
    fn from(contents: FileContents) -> Self {
        let header = contents.header;
        let frames = contents.frames.into_iter().map(|(kind, count)| NativeFrameCount {
            kind: kind_name(kind).to_owned(),
            count: number(count),
        });
        Self {
            format: header.map(|header| header.format.into()),
            codec: header.map(|header| header.codec.into()),
            generation: header.map(|header| number(header.generation)),
            start_lsn: header.map(|header| number(header.start_lsn.get())),
            first_lsn: contents.first_lsn.map(|lsn| number(lsn.get())),
            last_lsn: contents.last_lsn.map(|lsn| number(lsn.get())),
            synced_lsn: number(contents.synced.get()),
            frames: frames.collect(),
            sessions: number(contents.sessions),
            digest_fits: contents.foot_fits,
            whole_bytes: number(contents.whole),
            gaps: contents.gaps.into_iter().map(Into::into).collect(),
            gap_count: number(contents.gap_count),
        }
    }
}

impl From<Gap> for NativeGap {
    fn from(gap: Gap) -> Self {
        Self {
            offset: number(gap.offset),
            bytes: number(gap.len),
            next_lsn: gap.next_lsn.map(|lsn| number(lsn.get())),
        }
    }
}

impl From<Torn> for NativeTornPlace {
    fn from(torn: Torn) -> Self {
        Self {
            file: torn.file,
            offset: number(torn.offset),
            bytes: number(torn.len),
        }
    }
}

impl From<DamagedPlace> for NativeDamagedPlace {
    fn from(DamagedPlace { damage, len }: DamagedPlace) -> Self {
        Self {
            file: damage.file,
            offset: number(damage.offset),
            bytes: len.map(number),
            after_lsn: number(damage.after_lsn.get()),
            next_lsn: damage.next_lsn.map(|lsn| number(lsn.get())),
            why: damage.what,
        }
    }
}

impl From<Holder> for NativeHolder {
    fn from(holder: Holder) -> Self {
        let nothing = |state: &str| Self {
            state: state.to_owned(),
            pid: None,
            started_at: None,
            version: None,
        };
        match holder {
            Holder::Nobody => nothing("nobody"),
            Holder::Unknown => nothing("unknown"),
            Holder::Process {
                pid,
                started,
                version,
            } => Self {
                pid,
                started_at: started.map(|seconds| number(seconds.saturating_mul(1_000))),
                version,
                ..nothing("process")
            },
        }
    }
}

impl From<Sessions> for NativeSessionFacts {
    fn from(sessions: Sessions) -> Self {
        Self {
            live: number(sessions.live),
            guests: number(sessions.guests),
            expired: number(sessions.expired),
            bytes: number(sessions.bytes),
            oldest: sessions.oldest.map(number),
            newest: sessions.newest.map(number),
            next_deadline: sessions.next_deadline.map(number),
            clock_set_back: number(sessions.clock_set_back),
            listed: sessions.listed.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Listed> for NativeListed {
    fn from(session: &Listed) -> Self {
        Self {
            handle: session.handle.to_text(),
            secret_hash: format!("{:032x}", u128::from_be_bytes(session.secret_hash)),
            uid: session.uid.as_ref().map(OwnedText::to_string_lossy),
            data: session.data.as_ref().map(OwnedText::to_string_lossy),
            version: number(session.facts.version),
            created_at: number(session.facts.created_at),
            last_seen_at: number(session.facts.last_seen_at),
            deadline: number(session.facts.deadline()),
            bytes: number(session.bytes),
        }
    }
}
