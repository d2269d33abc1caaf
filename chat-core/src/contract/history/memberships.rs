//! From where to where a user takes part in a group, as far as the records tell.
//!
//! A join takes effect at some moment between its request and its answer. What was seen before the
//! request lies before it, and what began after the answer lies after it; in between, the first
//! message that comes tells, and must tell the same on all devices.

use std::collections::HashMap;

use super::messages::Conversation;
use crate::types::{GroupId, Seq, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Joining,
    Member,
    Leaving,
    Left { at: usize },
}

/// One membership, from a join to the next leave.
#[derive(Clone, Debug)]
struct Period {
    state: State,
    /// The last message that surely came before it.
    after: Seq,
    /// All messages after this one surely belong to it; `None` where that is known of none.
    owed_after: Option<Seq>,
    /// The first message that surely came after its end.
    end: Option<Seq>,
}

/// What a session may get, and must get, of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// It may get what comes after this message.
    pub(super) after: Seq,
    /// It must get all that comes after this one, and may miss what comes before.
    pub(super) owed_after: Option<Seq>,
    /// Whether it is sure to stay in the conversation.
    pub(super) stays: bool,
    /// Whether what it gets tells where its user's part begins.
    pub(super) tells: bool,
}

impl Part {
    /// All of a conversation.
    pub(super) const WHOLE: Self = Self {
        after: Seq::ZERO,
        owed_after: Some(Seq::ZERO),
        stays: true,
        tells: false,
    };
}

/// All memberships that were, each user's in their order.
#[derive(Debug, Default)]
pub(super) struct Memberships(HashMap<(GroupId, UserId), Vec<Period>>);

impl Memberships {
    /// A join begins, where `latest` is the group's last message seen so far.
    pub(super) fn joining(&mut self, group: GroupId, user: UserId, latest: Seq) {
        let periods = self.0.entry((group, user)).or_default();
        match periods.last_mut() {
            Some(last) if !matches!(last.state, State::Left { .. }) => {
                // Whether a leave without an answer took effect is not known.
                if last.state == State::Leaving {
                    last.state = State::Joining;
                    last.owed_after = None;
                }
            }
            _ => periods.push(Period {
                state: State::Joining,
                after: latest,
                owed_after: None,
                end: None,
            }),
        }
    }

    /// A join is answered at a record.
    pub(super) fn joined(
        &mut self,
        group: GroupId,
        user: UserId,
        latest: Seq,
        at: usize,
        of: Option<&Conversation<'_>>,
    ) {
        self.joining(group, user, latest);
        if let Some(last) = self.last_mut(group, user)
            && last.state == State::Joining
        {
            last.state = State::Member;
            last.owed_after = of.and_then(|of| of.earliest_after(at)).map(Seq::previous);
        }
    }

    /// A leave begins.
    pub(super) fn leaving(&mut self, group: GroupId, user: UserId) {
        if let Some(last) = self.last_mut(group, user)
            && !matches!(last.state, State::Left { .. })
        {
            last.state = State::Leaving;
        }
    }

    /// A leave is answered at a record.
    pub(super) fn left(&mut self, group: GroupId, user: UserId, at: usize, of: Option<&Conversation<'_>>) {
        if let Some(last) = self.last_mut(group, user)
            && !matches!(last.state, State::Left { .. })
        {
            last.state = State::Left { at };
            last.end = of.and_then(|of| of.earliest_after(at));
        }
    }

    /// What a session opened at a record may get now; `None` for nothing. Where a server may not
    /// know yet that the user left since, a `lagging` session may get anything.
    pub(super) fn part(&self, group: GroupId, user: UserId, opened_at: usize, may_lag: bool) -> Option<Part> {
        let periods = self.0.get(&(group, user))?;
        let has_left_since = |period: &Period| matches!(period.state, State::Left { at } if at > opened_at);
        let lags = may_lag && periods.iter().any(has_left_since);
        let last = periods.last()?;
        let has_left = matches!(last.state, State::Left { .. });
        (lags || !has_left).then_some(Part {
            after: if lags { Seq::ZERO } else { last.after },
            owed_after: last.owed_after,
            stays: last.state == State::Member,
            tells: !lags,
        })
    }

    /// A session shows where its user's part begins: not before `earliest`, not after `latest`.
    pub(super) fn narrow(&mut self, group: GroupId, user: UserId, earliest: Seq, latest: Seq) {
        if let Some(last) = self.last_mut(group, user) {
            last.after = last.after.max(earliest);
            last.owed_after = Some(last.owed_after.map_or(latest, |owed| owed.min(latest)));
        }
    }

    /// Whether a message that a user wrote can be the group's, by what is known at the end.
    pub(super) fn may_write(&self, group: GroupId, user: UserId, seq: Seq) -> bool {
        let mut periods = self.0.get(&(group, user)).into_iter().flatten();
        periods.any(|period| period.after < seq && period.end.is_none_or(|end| seq < end))
    }

    fn last_mut(&mut self, group: GroupId, user: UserId) -> Option<&mut Period> {
        self.0.get_mut(&(group, user))?.last_mut()
    }
}
