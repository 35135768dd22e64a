//! The steps of a test case: operations, the passing of time, and the ends of runs.

use agai_session_core::model::durability::Durability;
use agai_session_core::testing::disk::Crash;
use agai_session_core::testing::objects::{DataWrite, Members};
use agai_session_core::{AtUserLimit, NEVER, UNLIMITED};
use proptest::prelude::*;

/// Two years: longer than the activity since the last log entry that a record can note.
const TWO_YEARS: u64 = 63_072_000_000;
const TWO_MONTHS: u64 = 5_184_000_000;

#[derive(Debug, Clone)]
pub enum Step {
    Create {
        uid: &'static str,
        form: bool,
        data: Members,
        idle_timeout: Option<u64>,
        absolute_timeout: Option<u64>,
    },
    Commit {
        who: Who,
        stale: bool,
        form: Option<bool>,
        write: DataWrite,
        idle_timeout: Option<u64>,
    },
    Regenerate {
        who: Who,
        login: Option<&'static str>,
        write: DataWrite,
    },
    Touch {
        who: Who,
        idle_timeout: Option<u64>,
    },
    Read {
        who: Who,
        touch: bool,
    },
    Destroy(Who),
    DestroyByHandle(Who),
    /// Ends all sessions of a user, with or without an exception.
    EndUser {
        uid: &'static str,
        except: Option<Who>,
    },
    Clear,
    Sweep,
    Wait(u64),
    /// One turn of the journal.
    Turn,
    /// Turns of the journal until it rests.
    Settle,
    Flush,
    /// Makes the sync due that waits for its time.
    PassTime,
    Checkpoint,
    Reopen(Reopening),
}

/// The choice of a session: a live one, or one by any id that ever existed.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    pub number: u8,
    pub any: bool,
}

/// The end of one run of the store, and the beginning of the next.
#[derive(Debug, Clone, Copy)]
pub struct Reopening {
    pub end: End,
    /// Decides everything that the end of a run leaves open.
    pub seed: u64,
    pub clock: Jump,
    pub options: RunOptions,
}

/// The end of a run.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// A close, and then a crash with nothing open.
    Close(Crash),
    /// Without a close: `turns` turns of the journal, during which the disk stops at operation `stop`, and then a crash.
    Crash { turns: u8, stop: Option<u8>, how: Crash },
}

/// The change of the clock until the next opening.
#[derive(Debug, Clone, Copy)]
pub enum Jump {
    Ahead(u64),
    Back(u64),
    To(u64),
}

/// The options in which the runs of a store differ.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    pub durability: Durability,
    pub max_sessions: u32,
    pub max_bytes: u64,
    pub max_sessions_per_user: u32,
    pub at_user_limit: AtUserLimit,
    pub checkpoint_bytes: u64,
}

fn uid() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), Just("ann"), Just("bob"), Just("жанна")]
}

fn data() -> impl Strategy<Value = Members> {
    let key = prop::sample::select(vec![
        "\"a\"", "\"b\"", "\"ab\"", "\"\"", "\"\\\"\"", "\"é\"", "\"ж\"",
    ]);
    let value = prop_oneof![
        4 => (0..1_000_u32).prop_map(|number| number.to_string()),
        2 => "\"[a-z]{0,40}\"",
        1 => "\"[a-zж€]{0,20}\"",
        1 => "\"[a-zé]{200,300}\"",
    ];
    prop::collection::vec((key, value), 0..4).prop_map(Members::distinct)
}

fn write() -> impl Strategy<Value = DataWrite> {
    let keys = (data(), data()).prop_map(|(set, removed)| DataWrite::Keys { set, removed });
    prop_oneof![1 => data().prop_map(DataWrite::Whole), 2 => keys]
}

fn who() -> impl Strategy<Value = Who> {
    (any::<u8>(), prop::bool::weighted(0.1)).prop_map(|(number, any)| Who { number, any })
}

fn timeout() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        4 => Just(None),
        2 => (1u64..20_000).prop_map(Some),
        1 => Just(Some(TWO_YEARS)),
        1 => Just(Some(NEVER)),
    ]
}

fn millis() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0u64..500, 4 => 500u64..5_000, 1 => Just(TWO_MONTHS)]
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![
        2 => Just(Crash::KillProcess),
        2 => Just(Crash::PowerCut),
        1 => Just(Crash::PowerCutLosingAll),
        1 => Just(Crash::PowerCutLosingNothing),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        1 => crash().prop_map(End::Close),
        3 => (0u8..6, prop::option::of(1u8..30), crash())
            .prop_map(|(turns, stop, how)| End::Crash { turns, stop, how }),
    ]
}

fn jump() -> impl Strategy<Value = Jump> {
    prop_oneof![
        4 => millis().prop_map(Jump::Ahead),
        2 => prop_oneof![millis(), Just(TWO_YEARS)].prop_map(Jump::Back),
        1 => prop_oneof![0u64..20_000, Just(1_700_000_000_000)].prop_map(Jump::To),
    ]
}

pub fn run_options() -> impl Strategy<Value = RunOptions> {
    (
        prop_oneof![
            Just(Durability::None),
            Just(Durability::Os),
            Just(Durability::Disk)
        ],
        prop_oneof![2u32..6, Just(1_000)],
        prop_oneof![1 => 700u64..2_000, 2 => Just(1 << 20)],
        prop_oneof![2 => 1u32..4, 1 => Just(UNLIMITED)],
        prop_oneof![2 => Just(AtUserLimit::EvictOldest), 1 => Just(AtUserLimit::Refuse)],
        prop_oneof![Just(300u64), Just(1_500), Just(1 << 20)],
    )
        .prop_map(
            |(
                durability,
                max_sessions,
                max_bytes,
                max_sessions_per_user,
                at_user_limit,
                checkpoint_bytes,
            )| RunOptions {
                durability,
                max_sessions,
                max_bytes,
                max_sessions_per_user,
                at_user_limit,
                checkpoint_bytes,
            },
        )
}

pub fn reopening() -> impl Strategy<Value = Reopening> {
    (end(), any::<u64>(), jump(), run_options()).prop_map(|(end, seed, clock, options)| Reopening {
        end,
        seed,
        clock,
        options,
    })
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (uid(), prop::bool::weighted(0.2), data(), timeout(), timeout()).prop_map(
            |(uid, form, data, idle_timeout, absolute_timeout)| Step::Create { uid, form, data, idle_timeout, absolute_timeout }
        ),
        8 => (who(), prop::bool::weighted(0.1), prop::option::weighted(0.2, any::<bool>()), write(), timeout()).prop_map(
            |(who, stale, form, write, idle_timeout)| Step::Commit { who, stale, form, write, idle_timeout }
        ),
        4 => (who(), prop::option::of(prop_oneof![Just("ann"), Just("bob")]), write())
            .prop_map(|(who, login, write)| Step::Regenerate { who, login, write }),
        4 => (who(), timeout()).prop_map(|(who, idle_timeout)| Step::Touch { who, idle_timeout }),
        5 => (who(), any::<bool>()).prop_map(|(who, touch)| Step::Read { who, touch }),
        3 => who().prop_map(Step::Destroy),
        2 => who().prop_map(Step::DestroyByHandle),
        1 => prop_oneof![3 => (uid(), prop::option::of(who())).prop_map(|(uid, except)| Step::EndUser { uid, except }), 1 => Just(Step::Clear)],
        2 => Just(Step::Sweep),
        8 => millis().prop_map(Step::Wait),
        6 => Just(Step::Turn),
        2 => Just(Step::Settle),
        1 => Just(Step::Flush),
        1 => Just(Step::PassTime),
        2 => Just(Step::Checkpoint),
        6 => reopening().prop_map(Step::Reopen),
    ]
}
